/** The six views of one particle, always in the same places. */
import * as React from "react";
import type { ViewTile } from "./types";
import { both } from "./texts";
import { Clip, Layer, Picture, share, useWords } from "./ui";

const title = (view: ViewTile, lang: "ja" | "en") => both({ ja: view.title_ja, en: view.title_en }, lang) || view.view;
const two = (value: number | null) => (value === null ? "–" : value.toFixed(2));

export function Views({ views, open }: { views: ViewTile[]; open: (index: number) => void }) {
  return (
    <div className="semc-views" data-cy="semc-views">
      {views.map((view, index) =>
        view.present ? (
          <Tile key={view.view} view={view} open={() => open(index)} />
        ) : (
          <Missing key={view.view} view={view} />
        ),
      )}
    </div>
  );
}

function Missing({ view }: { view: ViewTile }) {
  const { lang, say } = useWords();
  return (
    <div className="semc-tile semc-missing" data-cy="semc-missing" role="img" aria-label={`${view.view} ${say("missing")}`}>
      <Clip>{title(view, lang)}</Clip>
      <span>{lang === "ja" ? "なし / missing" : "missing"}</span>
    </div>
  );
}

function Tile({ view, open }: { view: ViewTile; open: () => void }) {
  const { lang, say } = useWords();
  const name = title(view, lang);
  const tags = view.tags.length || view.usable ? view.tags : [{ code: "poor", ja: "低品質", en: "poor" }];
  return (
    <button
      className={`semc-tile ${view.usable ? "" : "semc-poor"} ${view.recommended ? "semc-best" : ""}`}
      data-cy={`semc-view-${view.view}`}
      onClick={open}
      aria-label={say("enlarge", { view: name })}
    >
      <div className="semc-photo">
        <Picture path={view.filepath} alt={name} />
        {view.recommended && (
          <em className="semc-badge" title={say("recommended_long")}>
            ★ {say("recommended")}
          </em>
        )}
        <div className="semc-tags">
          {tags.map((tag) => (
            <small key={tag.code} title={both(tag, lang)}>
              {both(tag, lang)}
            </small>
          ))}
        </div>
      </div>
      <div className="semc-caption" title={`${say("quality")} ${two(view.quality)} · ${say("weight")} ${two(view.weight)}`}>
        <Clip>{name}</Clip>
        <div className="semc-bar" role="meter" aria-label={say("weight")} aria-valuemin={0} aria-valuemax={1} aria-valuenow={share(view.weight)}>
          <i style={{ width: `${share(view.weight) * 100}%` }} />
        </div>
        <small>{say("quality")}</small> <b>{two(view.quality)}</b>
      </div>
    </button>
  );
}

/** One view, large; arrows go round the views that exist. */
export function Lightbox({ views, start, close }: { views: ViewTile[]; start: number; close: () => void }) {
  const { lang, say } = useWords();
  const [index, setIndex] = React.useState(start);
  const shown = views.map((view, at) => (view.present ? at : -1)).filter((at) => at >= 0);
  const step = (by: number) => setIndex(shown[(shown.indexOf(index) + by + shown.length) % shown.length]);
  const view = views[index];
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.key === "ArrowRight" || event.key === "j") step(1);
    else if (event.key === "ArrowLeft" || event.key === "k") step(-1);
    else return;
    event.preventDefault();
  };
  return (
    <Layer label={title(view, lang)} close={close} cy="semc-lightbox">
      <div className="semc-large" onKeyDown={onKeyDown}>
        <button className="semc-step" autoFocus onClick={() => step(-1)} aria-label={say("previous")}>
          ‹
        </button>
        <figure onClick={close}>
          <Picture path={view.filepath} alt={title(view, lang)} />
          <figcaption>
            <b>{title(view, lang)}</b> {say("quality")} {two(view.quality)} · {say("weight")} {two(view.weight)}
            {view.recommended ? ` · ★ ${say("recommended_long")}` : ""}
            {view.tags.map((tag) => ` · ${both(tag, lang)}`)}
          </figcaption>
        </figure>
        <button className="semc-step" onClick={() => step(1)} aria-label={say("next")}>
          ›
        </button>
      </div>
    </Layer>
  );
}
