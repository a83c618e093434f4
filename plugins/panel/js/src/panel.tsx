/** The door of the panel: asks the server what there is, and shows the tabs or says what is missing. */
import * as React from "react";
import { useApi } from "./api";
import { Ready } from "./ready";
import { rememberLanguage, rememberedLanguage, sayIn } from "./texts";
import { ToastProvider, useToastList } from "./toast";
import type { Overview } from "./types";
import { Empty, Words, useWords } from "./ui";

type Props = { data?: { current?: string | null; dataset?: string | null }; schema: { view: Record<string, string> } };

export function SemCurate({ data, schema }: Props) {
  const api = useApi(schema.view);
  const root = React.useRef<HTMLDivElement>(null);
  const [lang, setLang] = React.useState(rememberedLanguage);
  const [overview, setOverview] = React.useState<Overview | null>(null);
  const [problem, setProblem] = React.useState<string | null>(null);
  const [inModal, setInModal] = React.useState<boolean | null>(null);
  const words = React.useMemo(() => ({ lang, say: sayIn(lang) }), [lang]);
  const toasts = useToastList();

  const load = React.useCallback(() => {
    setProblem(null);
    api.overview().then(setOverview, (error: Error) => setProblem(error.message));
  }, [api]);
  React.useEffect(() => setInModal(!!root.current?.closest("#modal")), []);
  React.useEffect(load, [load, data?.dataset]);

  const toggle = () => {
    const other = lang === "ja" ? "en" : "ja";
    rememberLanguage(other);
    setLang(other);
  };
  return (
    <Words.Provider value={words}>
      <ToastProvider value={toasts}>
        <div className="semc" ref={root} lang={lang} data-cy="semc-root">
          {problem !== null ? (
            <Empty mark="!" title={words.say("failed")} cy="semc-failed">
              <p>{problem}</p>
              <button onClick={load}>{words.say("retry")}</button>
            </Empty>
          ) : !overview || inModal === null ? (
            <div className="semc-loading">{words.say("loading")}</div>
          ) : overview.status !== "ready" ? (
            <NotReady status={overview.status} reload={load} />
          ) : inModal && !data?.current ? (
            <Empty mark="○" title={words.say("modal_choose")} cy="semc-modal-empty" />
          ) : (
            <Ready
              key={`${overview.dataset}/${inModal ? data?.current : "grid"}`}
              api={api}
              overview={overview}
              current={inModal ? (data?.current ?? null) : null}
              refresh={load}
              trusted={({ certificate, stale }) => setOverview((now) => (now ? { ...now, certificate, stale } : now))}
              toggleLanguage={toggle}
              setReviewer={(reviewer) => setOverview({ ...overview, reviewer })}
            />
          )}
        </div>
      </ToastProvider>
    </Words.Provider>
  );
}

function NotReady({ status, reload }: { status: Overview["status"]; reload: () => void }) {
  const { say } = useWords();
  const title = status === "no_dataset" ? "no_dataset" : status === "empty" ? "empty" : "foreign";
  return (
    <Empty mark="○" title={say(title)} cy={`semc-${title}`}>
      {title === "no_dataset" ? (
        <p>{say("no_dataset_how")}</p>
      ) : (
        <>
          <p>{say("foreign_how")}</p>
          <code>sem-curate ingest --help</code>
        </>
      )}
      <button onClick={reload}>{say("reload")}</button>
    </Empty>
  );
}
