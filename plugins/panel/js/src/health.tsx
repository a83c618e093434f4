/** How well each master serves: pictures, what it decides, what it endangers, and what to do about it. */
import * as React from "react";
import type { Api } from "./api";
import { both, labelName } from "./texts";
import type { Health, LabelHealth, MasterHealth } from "./types";
import { Clip, Empty, Picture, useWords } from "./ui";

// Masters about which something should be done come first, then those that decide most.
const order = (a: MasterHealth, b: MasterHealth) =>
  Number(a.suggestion.code === "keep") - Number(b.suggestion.code === "keep") || b.drives - a.drives;
const SHOWN = 12; // rows before "show all": what needs attention comes first, and the labels stand below
const two = (value: number | null) => (value === null ? "–" : value.toFixed(2));
const percent = (value: number) => `${(100 * value).toFixed(value < 0.1 ? 1 : 0)} %`;

export function MasterHealthBox({ api, open }: { api: Api; open: (particle: string) => void }) {
  const { say } = useWords();
  const [health, setHealth] = React.useState<Health | null>(null);
  const [problem, setProblem] = React.useState<string | null>(null);
  const load = () => {
    setProblem(null);
    api.health().then(setHealth, (error: Error) => setProblem(error.message));
  };
  React.useEffect(load, []);
  return (
    <section className="semc-health" data-cy="semc-health">
      <h2>{say("health")}</h2>
      {problem !== null ? (
        <Empty mark="◇" title={say("health_none")} cy="semc-health-empty">
          <p>{problem}</p>
          <button onClick={load}>{say("retry")}</button>
        </Empty>
      ) : !health ? (
        <div className="semc-loading" aria-busy>{say("loading")}</div>
      ) : (
        <>
          <Masters masters={[...health.masters].sort(order)} open={open} />
          <Labels labels={health.labels} open={open} />
          <p className="semc-note">{say("h_basis", { n: health.particles, d: health.decided })}</p>
        </>
      )}
    </section>
  );
}

function Masters({ masters, open }: { masters: MasterHealth[]; open: (particle: string) => void }) {
  const { lang, say } = useWords();
  const [all, setAll] = React.useState(false);
  const heads: [string, string][] = [
    [say("h_master"), ""],
    [say("h_suggestion"), ""],
    [say("h_drives"), say("h_drives_long")],
    [say("h_reversals"), say("h_reversals_long")],
    [say("h_sibling"), say("h_sibling_long")],
    [say("h_rival"), ""],
    [say("h_changed"), say("h_changed_long")],
  ];
  return (
    <div className="semc-heat semc-tables" tabIndex={0} role="region" aria-label={say("health")}>
      <table className="semc-table">
        <thead>
          <tr>
            {heads.map(([text, title]) => (
              <th key={text} scope="col" title={title || undefined}>{text}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {masters.slice(0, all ? undefined : SHOWN).map((master) => (
            <tr key={master.particle_id} data-cy="semc-health-row" data-suggestion={master.suggestion.code}>
              <th scope="row">
                <button className="semc-thumb" onClick={() => open(master.particle_id)} title={say("open_particle", { particle: master.particle_id })}>
                  <Picture path={master.filepath} alt={master.particle_id} />
                  <span>
                    <Clip>{labelName(master, lang)}</Clip>
                    <Clip className="semc-other">{master.particle_id}</Clip>
                  </span>
                </button>
              </th>
              <td className={`semc-suggestion ${master.suggestion.code === "keep" ? "semc-quiet" : ""}`}>{both(master.suggestion, lang)}</td>
              <td>{percent(master.drives)}</td>
              <td className={master.reversals ? "semc-warned" : ""}>
                {master.reversals}/{master.decided}
              </td>
              <td>{two(master.sibling)}</td>
              <td>
                {two(master.rival)} <small>{(lang === "ja" ? master.rival_ja : master.rival_en) ?? ""}</small>
              </td>
              <td>
                {percent(master.changed)}
                {master.gain !== null && <small> ({`${master.gain >= 0 ? "+" : "−"}${Math.abs(100 * master.gain).toFixed(1)}`})</small>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {!all && masters.length > SHOWN && (
        <button className="semc-plain" data-cy="semc-health-all" onClick={() => setAll(true)}>
          {say("h_all", { n: masters.length })}
        </button>
      )}
    </div>
  );
}

function Labels({ labels, open }: { labels: LabelHealth[]; open: (particle: string) => void }) {
  const { lang, say } = useWords();
  return (
    <div className="semc-heat semc-tables" tabIndex={0} role="region" aria-label={say("h_promote")}>
      <table className="semc-table">
        <thead>
          <tr>
            <th scope="col">{say("h_label")}</th>
            <th scope="col">{say("h_master")}</th>
            <th scope="col">{say("h_recall")}</th>
            <th scope="col">{say("h_promote")}</th>
          </tr>
        </thead>
        <tbody>
          {labels.map((label) => (
            <tr key={label.label_id}>
              <th scope="row">
                <Clip>{labelName(label, lang)}</Clip>
              </th>
              <td>{label.masters}</td>
              <td>{label.recall === null ? "–" : percent(label.recall)}</td>
              <td>
                <div className="semc-promote">
                  {label.promote.map((one) => (
                    <button key={one.particle_id} className="semc-thumb" onClick={() => open(one.particle_id)} title={say("open_particle", { particle: one.particle_id })}>
                      <Picture path={one.filepath} alt={one.particle_id} />
                    </button>
                  ))}
                  {!label.promote.length && "–"}
                </div>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
