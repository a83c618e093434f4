/** The measures of one view: value, unit, which direction is better, and what it was judged by. */
import * as React from "react";
import type { Text, ViewTile } from "./types";
import { both } from "./texts";
import { useWords } from "./ui";
import { viewTitle } from "./tile";

type Measure = Text & { unit: Text | string; better: "more" | "less" | null; digits: number };

const SHARE = "%"; // stored as a share, [0, 1]
const CYCLES = { ja: "周期/px", en: "cycles/px" };
const OCTAVES = { ja: "オクターブ", en: "octaves" };

// In the order of schema.MEASURES.
const MEASURES: Record<string, Measure> = {
  sharpness: { ja: "鮮鋭度", en: "sharpness", unit: OCTAVES, better: "more", digits: 2 },
  spectral_centroid: { ja: "スペクトル重心", en: "spectral centroid", unit: CYCLES, better: "more", digits: 3 },
  noise_sigma: { ja: "ノイズ", en: "noise", unit: SHARE, better: "less", digits: 1 },
  snr: { ja: "信号対雑音比", en: "signal to noise", unit: "", better: "more", digits: 1 },
  contrast: { ja: "コントラスト", en: "contrast", unit: SHARE, better: "more", digits: 0 },
  saturation_low: { ja: "黒つぶれ", en: "clipped dark", unit: SHARE, better: "less", digits: 1 },
  saturation_high: { ja: "白飛び", en: "clipped bright", unit: SHARE, better: "less", digits: 1 },
  charging: { ja: "チャージアップ", en: "charging", unit: "", better: "less", digits: 2 },
  drift: { ja: "ドリフト", en: "drift", unit: "px", better: "less", digits: 2 },
  contour_completeness: { ja: "外周の完全さ", en: "whole outline", unit: SHARE, better: "more", digits: 0 },
  frame_cut: { ja: "画面端での切れ", en: "cut by the frame", unit: SHARE, better: "less", digits: 1 },
  particle_area: { ja: "粒子の面積", en: "particle area", unit: SHARE, better: null, digits: 1 },
  other_particles: { ja: "ほかの粒子", en: "other particles", unit: SHARE, better: "less", digits: 1 },
  info_bar: { ja: "情報バー", en: "info bar", unit: SHARE, better: null, digits: 1 },
  scale_bar_px: { ja: "スケールバー長", en: "scale bar length", unit: "px", better: null, digits: 0 },
  overlay: { ja: "粒子上の文字・目盛", en: "overlay on particle", unit: SHARE, better: "less", digits: 1 },
};

/** `ranked` names the measures that are also judged by rank; everything else by absolute values alone. */
export function Measures({ view, ranked }: { view: ViewTile; ranked: string[] }) {
  const { lang, say } = useWords();
  const name = viewTitle(view, lang);
  const known = Object.entries(view.measures).filter(([, value]) => value !== null);
  return (
    <section className="semc-box semc-measures" data-cy="semc-measures" data-view={view.view} aria-label={say("measures_of", { view: name })}>
      <header>
        <h3>{say("measures_of", { view: name })}</h3>
        {view.basis && <span className="semc-note">{view.basis_text ? both(view.basis_text, lang) : say(`basis_${view.basis}`)}</span>}
      </header>
      {known.length ? (
        <dl>
          {known.map(([code, value]) => (
            <Row key={code} code={code} value={value as number} ranked={view.basis === "rank" && ranked.includes(code)} />
          ))}
        </dl>
      ) : (
        <p className="semc-note">{say(view.present ? "not_measured" : "missing")}</p>
      )}
    </section>
  );
}

function Row({ code, value, ranked }: { code: string; value: number; ranked: boolean }) {
  const { lang, say } = useWords();
  const measure = MEASURES[code] ?? { ja: code, en: code, unit: "", better: null, digits: 2 };
  const unit = typeof measure.unit === "string" ? measure.unit : both(measure.unit, lang);
  const shown = (measure.unit === SHARE ? 100 * value : value).toFixed(measure.digits);
  const better = measure.better && say(measure.better === "more" ? "more_is_better" : "less_is_better");
  return (
    <div data-cy={`semc-measure-${code}`}>
      <dt title={code}>
        {both(measure, lang)}
        {ranked && <small title={say("ranked_long")}>{say("ranked")}</small>}
      </dt>
      <dd>
        <b>{shown}</b> <span className="semc-unit">{unit}</span>
        {better ? (
          <i role="img" aria-label={better} title={better}>
            {measure.better === "more" ? "↑" : "↓"}
          </i>
        ) : (
          <i aria-hidden>·</i>
        )}
      </dd>
    </div>
  );
}
