/** Header, tabs, keys and layers around the loaded panel. */
import * as React from "react";
import type { Api } from "./api";
import { ConditionMemory, ConditionsTab } from "./conditions";
import { Header, Tab } from "./header";
import { Command, commandFor, isTyping, isViewCommand } from "./keys";
import { LabelsMemory, LabelsTab } from "./labels";
import { LabelPicker } from "./picker";
import { ReviewTab } from "./review";
import { SearchMemory, SearchTab } from "./search";
import { TrustTab } from "./trust";
import { HELP, both } from "./texts";
import { ToastStack, useToasts } from "./toast";
import type { Overview, Queue, Trust } from "./types";
import { KeyCap, Layer, useWords } from "./ui";
import { Review, useReview } from "./useReview";
import { TagEditor } from "./tagEditor";
import { Lightbox, besides, startView } from "./views";

type Open = { kind: "picker" } | { kind: "help" } | { kind: "view" | "tags"; index: number } | null;
type Chosen = { particle: string | null; index: number };
type Memory = {
  tab: Tab;
  queue: Queue;
  particle: string | null;
  details: boolean;
  search: SearchMemory;
  conditions: ConditionMemory;
  labels: LabelsMemory;
};

// Survives the App unmounting the panel while another tab is looked at. Kept per dataset; the modal keeps nothing.
const memory: Record<string, Memory> = {};
const fresh = (): Memory => ({
  tab: "review",
  queue: "review",
  particle: null,
  details: false,
  search: { text: "", result: null },
  conditions: { by: null, sort: "worst" },
  labels: { search: "", chosen: null },
});

export function Ready(props: {
  api: Api;
  overview: Overview;
  current: string | null; // the particle of the sample modal, or null in the grid
  refresh: () => void;
  trusted: (trust: Trust) => void;
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
  const toasts = useToasts();
  const root = React.useRef<HTMLDivElement>(null);
  const particle = review.card?.particle_id ?? null;
  const [details, setDetails] = React.useState(kept.details);
  const [chosen, setChosen] = React.useState<Chosen>({ particle: null, index: 0 });
  const isChosen = particle !== null && chosen.particle === particle;
  const eye = isChosen ? chosen.index : review.card ? startView(review.card) : 0;
  Object.assign(kept, { tab, queue: review.queue, particle, details });

  const focus = () => root.current?.focus({ preventScroll: true });
  React.useEffect(() => {
    // Keys must keep working after each particle, but not be stolen from what is being typed elsewhere.
    const active = document.activeElement;
    const typing = active?.matches("input, textarea, select, [contenteditable=true]");
    if (!open && tab === "review" && (!typing || root.current?.contains(active))) focus();
  }, [particle, open, tab, review.phase]);

  const look = (index: number) => setChosen({ particle, index });
  const edit = (index: number) => {
    if (!review.card?.views[index]?.present) return toasts.add({ text: say("no_such_view"), tone: "plain" });
    look(index);
    setOpen({ kind: "tags", index });
  };
  const runOnView = (command: Command) => {
    if (!review.card) return;
    if (command.name === "tags") edit(eye);
    else if (command.name === "details") setDetails(!details);
    else if (command.name === "view") look(command.index);
    else look(besides(review.card.views, eye, command.name === "view_after" ? 1 : -1));
  };
  const run = (command: Command) => {
    if (command.name === "search") return inModal || setTab("search");
    if (command.name === "help") return setOpen({ kind: "help" });
    if (command.name === "language") return props.toggleLanguage();
    if (tab !== "review") return;
    if (command.name === "candidate") return void review.candidate(command.index);
    if (command.name === "pick") return review.card && setOpen({ kind: "picker" });
    if (isViewCommand(command)) return runOnView(command);
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
  const repropose = async () => {
    try {
      const answer = await api.repropose();
      props.trusted(answer);
      toasts.add({ text: say("reproposed", { n: answer.proposed }), tone: "done" });
      void review.reload();
    } catch (error) {
      toasts.add({ text: (error as Error).message, tone: "plain" });
    }
  };
  // An audit judged changes how many are needed; asked again behind the last write, never in the way of the next.
  React.useEffect(() => {
    if (!inModal && tab === "review" && overview.certificate) review.behind(() => api.trust().then(props.trusted, () => undefined));
  }, [review.counts.audit, tab]);
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
      ) : tab === "conditions" ? (
        <ConditionsTab api={api} tags={overview.tags} retake={overview.retake} memory={kept.conditions} refresh={props.refresh} />
      ) : tab === "trust" ? (
        <TrustTab
          api={api}
          overview={overview}
          trusted={props.trusted}
          changed={() => void review.reload()}
          repropose={repropose}
          judge={() => {
            setTab("review");
            void review.enter("audit");
          }}
          open={show}
        />
      ) : tab === "labels" ? (
        <LabelsTab api={api} memory={kept.labels} open={show} changed={props.refresh} />
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
          trust={() => setTab("trust")}
          repropose={repropose}
          eye={{ index: eye, chosen: isChosen, details, edit, enlarge: (index) => setOpen({ kind: "view", index }) }}
        />
      )}
      {open && <OpenLayer open={open} review={review} overview={overview} close={close} />}
      <ToastStack list={toasts.list} undo={review.undo} />
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
  if (open.kind === "tags" && review.card) {
    const view = review.card.views[open.index];
    return (
      <TagEditor
        view={view}
        particle={review.card.particle_id}
        tags={overview.tags}
        close={close}
        save={(tags) => {
          close();
          void review.correctTags(view, tags, overview.tags);
        }}
      />
    );
  }
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
