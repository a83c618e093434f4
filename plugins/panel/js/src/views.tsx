/** The six views of one particle, always in the same places. */
import * as React from "react";
import type { Card, ViewTile } from "./types";
import { both } from "./texts";
import { Missing, Tile, two, viewTitle } from "./tile";
import { Layer, Picture, useWords } from "./ui";

/** The view that keys act on before one was chosen: the recommended one, else the first there is. */
export function startView(card: Card): number {
  const best = card.views.findIndex((view) => view.recommended);
  return best >= 0 ? best : Math.max(0, card.views.findIndex((view) => view.present));
}

/** The next or previous view that exists, going round. */
export function besides(views: ViewTile[], index: number, by: number): number {
  const shown = views.map((view, at) => (view.present ? at : -1)).filter((at) => at >= 0);
  return shown.length ? shown[(shown.indexOf(index) + by + shown.length) % shown.length] : index;
}

/** `at` is the view that keys act on, `marked` whether it stands out. */
type Props = { views: ViewTile[]; at: number; marked: boolean; open: (index: number) => void; edit: (index: number) => void };

export function Views({ views, at, marked, open, edit }: Props) {
  const known = views.map((view) => view.contribution).filter((value): value is number => value !== null);
  // One scale for all six, or the bars could not be compared; none before the first proposal, or for an audit.
  const scale = known.length ? Math.max(...known.map(Math.abs)) : null;
  return (
    <div className="semc-views" data-cy="semc-views">
      {views.map((view, index) =>
        view.present ? (
          <Tile
            key={view.view}
            view={view}
            at={at === index}
            marked={marked && at === index}
            scale={scale}
            open={() => open(index)}
            edit={() => edit(index)}
          />
        ) : (
          <Missing key={view.view} view={view} marked={marked && at === index} shared={scale !== null} />
        ),
      )}
    </div>
  );
}

/** Which view to look at and why, and what another photograph would bring. */
export function Advice({ card }: { card: Card }) {
  const { lang, say } = useWords();
  const { recommended, retake, one_view: oneView } = card;
  const title = (name: string) => {
    const view = card.views.find((view) => view.view === name);
    return view ? viewTitle(view, lang) : name;
  };
  return (
    <>
      {recommended && (
        <p className="semc-advice" data-cy="semc-recommended" data-view={recommended.view}>
          <b>★ {title(recommended.view)}</b> {both(recommended.reason, lang)}
        </p>
      )}
      {oneView && (
        <p className="semc-advice semc-retake semc-one-view" data-cy="semc-one-view" data-view={oneView.view} role="note">
          <b aria-hidden>⚠</b> {both(oneView, lang)}
        </p>
      )}
      {retake && (
        <p className="semc-advice semc-retake" data-cy="semc-retake" data-view={retake.view} role="note">
          <b>{say("retake")}</b> {both(retake, lang)}
        </p>
      )}
    </>
  );
}

/** One view, large; arrows go round the views that exist. */
export function Lightbox({ views, start, close }: { views: ViewTile[]; start: number; close: () => void }) {
  const { lang, say } = useWords();
  const [index, setIndex] = React.useState(start);
  const step = (by: number) => setIndex(besides(views, index, by));
  const view = views[index];
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.key === "ArrowRight" || event.key === "j") step(1);
    else if (event.key === "ArrowLeft" || event.key === "k") step(-1);
    else return;
    event.preventDefault();
  };
  return (
    <Layer label={viewTitle(view, lang)} close={close} cy="semc-lightbox">
      <div className="semc-large" onKeyDown={onKeyDown}>
        <button className="semc-step" autoFocus onClick={() => step(-1)} aria-label={say("previous")}>
          ‹
        </button>
        <figure onClick={close}>
          <Picture path={view.filepath} alt={viewTitle(view, lang)} />
          <figcaption>
            <b>{viewTitle(view, lang)}</b> {say("quality")} {two(view.quality)} · {say("weight")} {two(view.weight)}
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
