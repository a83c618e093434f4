/** Header, tabs, keys and layers around the loaded panel. */
import * as React from "react";
import type { Api } from "./api";
import { Command, commandFor, isTyping } from "./keys";
import { LabelPicker } from "./picker";
import { ReviewTab } from "./review";
import { SearchMemory, SearchTab } from "./search";
import { HELP, both } from "./texts";
import { ToastStack, useToasts } from "./toast";
import type { Overview, Queue } from "./types";
import { Clip, KeyCap, Layer, useWords } from "./ui";
import { Review, useReview } from "./useReview";
import { Lightbox } from "./views";

type Tab = "review" | "search";
type Open = { kind: "picker" } | { kind: "help" } | { kind: "view"; index: number } | null;
type Memory = { tab: Tab; queue: Queue; particle: string | null; search: SearchMemory };

// Survives the App unmounting the panel while another tab is looked at. Kept per dataset; the modal keeps nothing.
const memory: Record<string, Memory> = {};
const fresh = (): Memory => ({ tab: "review", queue: "review", particle: null, search: { text: "", result: null } });

export function Ready(props: {
  api: Api;
  overview: Overview;
  current: string | null; // the particle of the sample modal, or null in the grid
  refresh: () => void;
  toggleLanguage: () => void;
  setReviewer: (name: string) => void;
}) {
  const { api, overview, current } = props;
  const { say } = useWords();
  const inModal = current !== null;
  const [kept] = React.useState(() => (inModal ? fresh() : (memory[overview.dataset ?? ""] ??= fresh())));
  const [tab, setTab] = React.useState<Tab>(kept.tab);
  const [open, setOpen] = React.useState<Open>(null);
  const review = useReview(api, { queue: kept.queue, particle: current ?? kept.particle, inModal, counts: overview.counts });
  const { list } = useToasts();
  const root = React.useRef<HTMLDivElement>(null);
  const particle = review.card?.particle_id ?? null;
  Object.assign(kept, { tab, queue: review.queue, particle });

  const focus = () => root.current?.focus({ preventScroll: true });
  React.useEffect(() => {
    // Keys must keep working after each particle, but not be stolen from what is being typed elsewhere.
    const active = document.activeElement;
    const typing = active?.matches("input, textarea, select, [contenteditable=true]");
    if (!open && tab === "review" && (!typing || root.current?.contains(active))) focus();
  }, [particle, open, tab, review.phase]);

  const run = (command: Command) => {
    if (command.name === "search") return inModal || setTab("search");
    if (command.name === "help") return setOpen({ kind: "help" });
    if (command.name === "language") return props.toggleLanguage();
    if (tab !== "review") return;
    if (command.name === "candidate") return void review.candidate(command.index);
    if (command.name === "pick") return review.card && setOpen({ kind: "picker" });
    if (command.name === "unknown" || command.name === "skip") return void review.choose(command.name);
    void review[command.name]();
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (open || isTyping(event)) return;
    const onButton = (event.target as HTMLElement).closest("button");
    if (event.key === "Enter" && onButton) return; // Enter presses the focused button
    const command = commandFor(event, inModal);
    if (!command) return;
    event.preventDefault();
    event.stopPropagation();
    if (!event.repeat) run(command);
  };
  const onClick = (event: React.MouseEvent) => {
    // A mouse click leaves no focus on the button, or the next Enter would press it again.
    if (event.detail > 0 && (event.target as HTMLElement).closest("button") && !open && tab === "review") focus();
  };
  const close = () => setOpen(null);
  const show = (id: string) => {
    setTab("review");
    void review.open(id);
  };

  return (
    <div className={`semc-root ${inModal ? "semc-in-modal" : ""}`} ref={root} tabIndex={-1} onKeyDown={onKeyDown} onClick={onClick} data-cy="semc-ready">
      <Header {...props} inModal={inModal} tab={tab} setTab={setTab} help={() => setOpen({ kind: "help" })} />
      {tab === "search" ? (
        <SearchTab api={api} memory={kept.search} open={show} />
      ) : (
        <ReviewTab
          review={review}
          overview={overview}
          inModal={inModal}
          refresh={() => {
            props.refresh();
            void review.enter(review.queue);
          }}
          pick={() => setOpen({ kind: "picker" })}
          enlarge={(index) => setOpen({ kind: "view", index })}
        />
      )}
      {open && <OpenLayer open={open} review={review} overview={overview} close={close} />}
      <ToastStack list={list} undo={review.undo} />
      <span className="semc-hidden" aria-live="polite">
        {particle ?? say("queue_done")}
      </span>
    </div>
  );
}

function OpenLayer(props: { open: NonNullable<Open>; review: Review; overview: Overview; close: () => void }) {
  const { open, review, overview, close } = props;
  const { lang, say } = useWords();
  if (open.kind === "view" && review.card) return <Lightbox views={review.card.views} start={open.index} close={close} />;
  if (open.kind === "picker")
    return (
      <LabelPicker
        labels={overview.labels}
        close={close}
        choose={(label) => {
          close();
          void review.label(label);
        }}
      />
    );
  return (
    <Layer label={say("help")} close={close} cy="semc-help">
      <h2>{say("help")}</h2>
      <dl className="semc-keys">
        {HELP.map(([keys, text]) => (
          <div key={keys}>
            <dt>
              <KeyCap>{keys}</KeyCap>
            </dt>
            <dd>{both(text, lang)}</dd>
          </div>
        ))}
      </dl>
    </Layer>
  );
}

function Header(props: {
  api: Api;
  overview: Overview;
  inModal: boolean;
  tab: Tab;
  setTab: (tab: Tab) => void;
  toggleLanguage: () => void;
  setReviewer: (name: string) => void;
  help: () => void;
}) {
  const { lang, say } = useWords();
  return (
    <header className="semc-header">
      {!props.inModal && (
        <div className="semc-tabs" role="tablist">
          {(["review", "search"] as const).map((name) => (
            <button
              key={name}
              role="tab"
              aria-selected={props.tab === name}
              data-cy={`semc-tab-${name}`}
              onClick={() => props.setTab(name)}
            >
              {say(name)}
            </button>
          ))}
        </div>
      )}
      <Reviewer {...props} />
      <button className="semc-plain" data-cy="semc-language" onClick={props.toggleLanguage} title={say("language")}>
        {lang === "ja" ? "English" : "日本語"}
      </button>
      <button className="semc-plain" onClick={props.help} title={say("help")} aria-label={say("help")}>
        ?
      </button>
    </header>
  );
}

function Reviewer(props: { api: Api; overview: Overview; setReviewer: (name: string) => void }) {
  const { say } = useWords();
  const toasts = useToasts();
  const [typed, setTyped] = React.useState<string | null>(null);
  const save = async () => {
    const name = (typed ?? "").trim();
    setTyped(null);
    if (!name || name === props.overview.reviewer) return;
    try {
      props.setReviewer((await props.api.set_reviewer({ name })).reviewer);
    } catch (error) {
      toasts.add({ text: (error as Error).message, tone: "plain" });
    }
  };
  if (typed === null)
    return (
      <button className="semc-plain semc-reviewer" data-cy="semc-reviewer" onClick={() => setTyped(props.overview.reviewer)} title={say("reviewer_edit")}>
        <span>{say("reviewer")}</span> <Clip>{props.overview.reviewer}</Clip>
      </button>
    );
  return (
    <input
      autoFocus
      className="semc-input semc-reviewer-input"
      data-cy="semc-reviewer-input"
      value={typed}
      maxLength={100}
      aria-label={say("reviewer")}
      onFocus={(event) => event.target.select()}
      onChange={(event) => setTyped(event.target.value)}
      onBlur={save}
      onKeyDown={(event) => {
        if (event.nativeEvent.isComposing || event.nativeEvent.keyCode === 229) return;
        if (event.key === "Enter") void save();
        else if (event.key === "Escape") setTyped(null);
        else return;
        event.stopPropagation();
      }}
    />
  );
}
