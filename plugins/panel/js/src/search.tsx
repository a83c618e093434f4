/** The Search tab: words in, particles out, each with the view that matched. */
import * as React from "react";
import { Api, PanelError } from "./api";
import type { Hit, SearchResult } from "./types";
import { isTyping } from "./keys";
import { Clip, Empty, KeyCap, Picture, useWords } from "./ui";
import { useToasts } from "./toast";

const EXAMPLES = ["針状", "needle-like", "多孔質", "porous sphere"];

export type SearchMemory = { text: string; result: SearchResult | null };
type Problem = { kind: string; message: string };

export function SearchTab(props: { api: Api; memory: SearchMemory; open: (particle: string) => void }) {
  const { api, memory } = props;
  const { say } = useWords();
  const toasts = useToasts();
  const [text, setText] = React.useState(memory.text);
  const [result, setResult] = React.useState<SearchResult | null>(memory.result);
  const [problem, setProblem] = React.useState<Problem | null>(null);
  const [busy, setBusy] = React.useState(false);
  const input = React.useRef<HTMLInputElement>(null);
  const asked = React.useRef(0);
  React.useEffect(() => input.current?.focus(), []);

  const run = async (query: string) => {
    if (!query.trim()) return;
    const mine = ++asked.current;
    setText(query);
    setBusy(true);
    setProblem(null);
    try {
      const found = await api.search({ text: query });
      if (mine !== asked.current) return;
      setResult(found);
      Object.assign(memory, { text: query, result: found });
    } catch (error) {
      if (mine !== asked.current) return;
      setResult(null);
      setProblem({ kind: error instanceof PanelError ? error.kind : "Error", message: (error as Error).message });
    } finally {
      if (mine === asked.current) setBusy(false);
    }
  };
  const showInGrid = async (hits: Hit[]) => {
    try {
      const answer = await api.show_in_grid({ particles: hits.map((hit) => hit.particle_id) });
      toasts.add({ text: say("shown_in_grid", { n: answer.shown }), tone: "done" });
    } catch (error) {
      toasts.add({ text: (error as Error).message, tone: "plain" });
    }
  };

  return (
    <div className="semc-scroll semc-search" data-cy="semc-search">
      <form
        className="semc-searchbar"
        role="search"
        onSubmit={(event) => {
          event.preventDefault();
          void run(text);
        }}
      >
        <input
          ref={input}
          className="semc-input"
          data-cy="semc-search-input"
          value={text}
          placeholder={say("search_placeholder")}
          aria-label={say("search_placeholder")}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={(event) => {
            // The Enter that ends a kana conversion must not search.
            if (event.key === "Enter" && (event.nativeEvent.isComposing || event.nativeEvent.keyCode === 229))
              event.preventDefault();
            else if (event.key === "Escape" && isTyping(event)) input.current?.blur();
          }}
        />
        <button className="semc-primary" disabled={busy || !text.trim()}>
          {busy ? say("loading") : say("search_go")}
        </button>
      </form>
      {problem ? (
        <Empty
          mark={problem.kind === "StateError" ? "…" : "!"}
          title={say(problem.kind === "StateError" ? "search_not_ready" : "failed")}
          cy="semc-search-problem"
        >
          <p>{problem.message}</p>
          <button onClick={() => void run(text)}>{say("retry")}</button>
        </Empty>
      ) : result && result.hits.length ? (
        <Hits result={result} busy={busy} open={props.open} showInGrid={showInGrid} />
      ) : (
        <Empty
          mark="⌕"
          title={result ? say("search_none", { query: result.query }) : say("search_intro")}
          cy={result ? "semc-search-none" : "semc-search-intro"}
        >
          {result && <p>{say("search_none_how")}</p>}
          <div className="semc-row">
            <span>{say("search_try")}</span>
            {EXAMPLES.map((example) => (
              <button key={example} onClick={() => void run(example)}>
                {example}
              </button>
            ))}
          </div>
        </Empty>
      )}
    </div>
  );
}

function Hits(props: { result: SearchResult; busy: boolean; open: (id: string) => void; showInGrid: (hits: Hit[]) => void }) {
  const { say } = useWords();
  const { hits, encoder } = props.result;
  return (
    <div className={props.busy ? "semc-dim" : ""}>
      <div className="semc-found">
        <span data-cy="semc-found">{say("search_found", { n: hits.length })}</span>
        <Clip className="semc-other">{encoder}</Clip>
        <button data-cy="semc-show-in-grid" onClick={() => props.showInGrid(hits)}>
          {say("show_in_grid")}
        </button>
      </div>
      <ol className="semc-hits" data-cy="semc-hits" data-query={props.result.query}>
        {hits.map((hit, index) => (
          <li key={hit.particle_id}>
            <button
              className="semc-hit"
              data-cy={`semc-hit-${index + 1}`}
              data-particle={hit.particle_id}
              onClick={() => props.open(hit.particle_id)}
              title={say("open_particle", { particle: hit.particle_id })}
            >
              <div className="semc-photo">
                <Picture path={hit.filepath} alt={hit.particle_id} />
                <KeyCap>{String(index + 1)}</KeyCap>
                {hit.best_view && <em className="semc-badge">{hit.best_view}</em>}
              </div>
              <Clip>{hit.particle_id}</Clip>
            </button>
          </li>
        ))}
      </ol>
    </div>
  );
}
