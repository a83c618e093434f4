/** One view in the card: picture, weight, tags in force, and what the VLM would say. */
import * as React from "react";
import type { Lang, Tag, ViewTile } from "./types";
import { both, labelName } from "./texts";
import { Clip, KeyCap, Picture, share, useWords } from "./ui";

export const viewTitle = (view: ViewTile, lang: Lang) => both({ ja: view.title_ja, en: view.title_en }, lang) || view.view;
export const two = (value: number | null) => (value === null ? "–" : value.toFixed(2));

type Props = { view: ViewTile; at: boolean; marked: boolean; scale: number | null; open: () => void; edit: () => void };

export function Missing({ view, marked, shared }: { view: ViewTile; marked: boolean; shared: boolean }) {
  const { lang, say } = useWords();
  return (
    <div
      className={`semc-tile semc-missing ${marked ? "semc-focused" : ""}`}
      data-cy="semc-missing"
      role="img"
      aria-label={`${view.view} ${say("missing")}`}
    >
      <Clip>{viewTitle(view, lang)}</Clip>
      <span>{lang === "ja" ? "なし / missing" : "missing"}</span>
      {shared && (
        <small data-cy={`semc-contribution-${view.view}`}>
          {say("contribution")}: {say("not_available")}
        </small>
      )}
    </div>
  );
}

export function Tile({ view, at, marked, scale, open, edit }: Props) {
  const { lang, say } = useWords();
  const name = viewTitle(view, lang);
  const style = `${view.usable ? "" : "semc-poor"} ${view.recommended ? "semc-best" : ""} ${marked ? "semc-focused" : ""}`;
  return (
    <div className={`semc-tile ${style}`} data-cy={`semc-view-${view.view}`} role="group" aria-label={name} aria-current={at}>
      <button className="semc-photo" onClick={open} aria-label={say("enlarge", { view: name })}>
        <Picture path={view.filepath} alt={name} />
        {view.recommended && (
          <em className="semc-badge" title={say("recommended_long")}>
            ★ {say("recommended")}
          </em>
        )}
      </button>
      <div className="semc-caption">
        <Clip>{name}</Clip>
        <span>
          <small>{say("quality")}</small> <b>{two(view.quality)}</b>
        </span>
      </div>
      {view.weight !== null && <Weight weight={view.weight} view={view.view} />}
      {scale !== null && <Contribution view={view} scale={scale} />}
      <Tags view={view} name={name} at={at} edit={edit} />
      <SecondOpinion view={view} />
    </div>
  );
}

/** Its share in what all views together say. */
function Weight({ weight, view }: { weight: number; view: string }) {
  const { say } = useWords();
  return (
    <div className="semc-contribution" data-cy={`semc-weight-${view}`} title={say("weight_long")}>
      <small>{say("weight")}</small>
      <div className="semc-bar" role="meter" aria-label={say("weight")} aria-valuemin={0} aria-valuemax={1} aria-valuenow={share(weight)}>
        <i style={{ width: `${share(weight) * 100}%` }} />
      </div>
      <b>{two(weight)}</b>
    </div>
  );
}

function signed(value: number | null): string {
  if (value === null) return "–";
  const size = Math.abs(value).toFixed(3);
  return Number(size) === 0 ? size : `${value > 0 ? "+" : "−"}${size}`;
}

/** What this view did for the proposal: a bar to the right speaks for it, to the left against it. */
function Contribution({ view, scale }: { view: ViewTile; scale: number }) {
  const { lang, say } = useWords();
  const { contribution } = view;
  const cy = `semc-contribution-${view.view}`;
  if (contribution === null)
    return (
      <div className="semc-contribution" data-cy={cy}>
        <small>{say("contribution")}</small> <span>{say("not_available")}</span>
      </div>
    );
  const length = (50 * Math.min(1, Math.abs(contribution) / (scale || 1))).toFixed(1);
  const side = contribution >= 0 ? { left: "50%" } : { right: "50%" };
  const other = view.agrees === false && view.vote ? labelName(view.vote, lang) : "";
  return (
    <div
      className="semc-contribution"
      data-cy={cy}
      title={say("contribution_long", { value: signed(contribution), removal: signed(view.removal) })}
    >
      <small>{say("contribution")}</small>
      <div className="semc-diverging" role="meter" aria-label={say("contribution")} aria-valuemin={-scale} aria-valuemax={scale} aria-valuenow={contribution}>
        <i className={contribution >= 0 ? "" : "semc-against"} style={{ ...side, width: `${length}%` }} />
      </div>
      <b>{signed(contribution)}</b>
      {other && <Clip className="semc-vote">{`→ ${say("votes_other", { label: other })}`}</Clip>}
    </div>
  );
}

/** The tags in force; a person's are outlined and signed, and what the person took away is struck through. */
function Tags({ view, name, at, edit }: { view: ViewTile; name: string; at: boolean; edit: () => void }) {
  const { lang, say } = useWords();
  const poor: Tag = { code: "poor", ja: "低品質", en: "poor" };
  const shown = view.tags.length || view.usable ? view.tags : [poor];
  const corrected = view.tags_by !== null;
  const removed = corrected ? without(view.measured_tags, view.tags) : [];
  const source = view.tags_by !== null ? say("tags_by", { who: view.tags_by }) : say("tags_measured");
  return (
    <button
      className={`semc-tags ${corrected ? "semc-corrected" : ""}`}
      data-cy={`semc-tags-${view.view}`}
      onClick={edit}
      title={`${source} · ${say("edit_tags")} (T)`}
      aria-label={`${say("tags_of", { view: name })}: ${list(shown, lang) || say("no_tags")}. ${source}. ${say("edit_tags")}`}
    >
      {shown.map((tag) => (
        <span key={tag.code} className={view.usable ? "" : "semc-unusable"}>{both(tag, lang)}</span>
      ))}
      {removed.map((tag) => (
        <s key={tag.code} title={say("tag_removed", { tag: both(tag, lang) })}>{both(tag, lang)}</s>
      ))}
      {!shown.length && !removed.length && <small>{say("no_tags")}</small>}
      <em>
        {view.tags_by !== null && (
          <>
            ✓ <Clip>{view.tags_by}</Clip>
          </>
        )}
        <i aria-hidden>{at ? <KeyCap>T</KeyCap> : "✎"}</i>
      </em>
    </button>
  );
}

/** What a text model sees; a suggestion to look again, so a question mark stands behind what is not in force. */
export function SecondOpinion({ view }: { view: ViewTile }) {
  const { lang, say } = useWords();
  const disputed = new Set(view.disputed.map((tag) => tag.code));
  const inForce = new Set(view.tags.map((tag) => tag.code));
  const seen = view.second_opinion.map((tag) => ({ ...tag, text: `${both(tag, lang)}${inForce.has(tag.code) ? "" : "?"}` }));
  const denied = without(view.disputed, view.second_opinion).map((tag) => ({ ...tag, text: say("vlm_denies", { tag: both(tag, lang) }) }));
  if (!seen.length && !denied.length) return null;
  return (
    <div className="semc-second" data-cy={`semc-second-${view.view}`} title={say(disputed.size ? "vlm_disputes" : "vlm_long")}>
      <small>VLM:</small>
      {[...seen, ...denied].map((tag) => (
        <span key={tag.code} className={disputed.has(tag.code) ? "semc-disputed" : ""}>
          {disputed.has(tag.code) ? "⚠ " : ""}
          {tag.text}
        </span>
      ))}
    </div>
  );
}

const list = (tags: Tag[], lang: Lang) => tags.map((tag) => both(tag, lang)).join(", ");

function without(tags: Tag[], others: Tag[]): Tag[] {
  const codes = new Set(others.map((tag) => tag.code));
  return tags.filter((tag) => !codes.has(tag.code));
}
