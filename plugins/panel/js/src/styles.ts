/** One style sheet; colours follow the App's theme, with its dark values as fallback. */
export const STYLES = `
.semc {
  --ground: var(--fo-palette-background-level2, #1a1a1a);
  --raised: var(--fo-palette-background-level1, #2b2b2b);
  --sunken: var(--fo-palette-background-level3, #141414);
  --line: var(--fo-palette-divider, #3d3d3d);
  --ink: var(--fo-palette-text-primary, #f2f2f2);
  --soft: var(--fo-palette-text-secondary, #b3b3b3);
  --accent: var(--fo-palette-primary-plainColor, #ff6d05);
  --good: #4fbf8b; --warn: #e6b450; --bad: #ef6f6c; --cool: #6cb6ef;
  height: 100%; width: 100%; min-height: 0; box-sizing: border-box; position: relative;
  color: var(--ink); background: var(--ground); font-size: 13px; line-height: 1.45; text-align: left;
  font-family: "Palanquin", "Hiragino Sans", "Noto Sans CJK JP", "Noto Sans JP", "Yu Gothic UI", Meiryo, system-ui, sans-serif;
  container-type: inline-size;
}
.semc *, .semc *::before { box-sizing: border-box; }
.semc-root { height: 100%; display: flex; flex-direction: column; outline: none; min-height: 0; position: relative; }
.semc h2, .semc h3, .semc p, .semc dl, .semc dd, .semc ol, .semc figure { margin: 0; padding: 0; }
.semc h3 { font-size: 11px; font-weight: 600; color: var(--soft); letter-spacing: .04em; }
.semc em { font-style: normal; }
.semc button { font: inherit; color: var(--ink); background: var(--raised); border: 1px solid var(--line); border-radius: 6px;
  padding: 5px 10px; cursor: pointer; min-width: 0; max-width: 100%; text-align: inherit; }
.semc button:hover:not(:disabled) { border-color: var(--soft); }
.semc button:disabled { opacity: .5; cursor: default; }
.semc button:focus-visible, .semc-input:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
.semc .semc-primary { background: var(--accent); border-color: var(--accent); color: #14100c; font-weight: 600; }
.semc .semc-plain { background: none; border-color: transparent; color: var(--soft); }
.semc .semc-plain:hover { color: var(--ink); }
.semc-clip { display: block; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; min-width: 0; }
.semc-other { color: var(--soft); font-size: 12px; }
.semc-note { color: var(--soft); font-size: 11.5px; }
.semc-quiet { color: var(--soft); }
.semc-kbd { font: 600 10.5px/1 ui-monospace, monospace; border: 1px solid currentColor; border-radius: 4px; padding: 2px 4px; opacity: .75; white-space: nowrap; }
.semc-hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.semc-bar { height: 4px; border-radius: 2px; background: color-mix(in srgb, var(--soft) 25%, transparent); overflow: hidden; flex: 1; min-width: 24px; }
.semc-bar i { display: block; height: 100%; background: var(--cool); border-radius: 2px; }
.semc-row { display: flex; flex-wrap: wrap; gap: 8px; justify-content: center; align-items: center; }
.semc-loading { padding: 48px; text-align: center; color: var(--soft); }
.semc-dim { opacity: .5; }
.semc-input { font: inherit; color: var(--ink); background: var(--sunken); border: 1px solid var(--line); border-radius: 6px; padding: 7px 10px; width: 100%; min-width: 0; }

.semc-header { display: flex; align-items: center; gap: 4px; padding: 6px 10px; border-bottom: 1px solid var(--line); }
.semc-tabs { display: flex; gap: 2px; flex: none; }
.semc-tabs button { background: none; border: none; border-radius: 0; border-bottom: 2px solid transparent; color: var(--soft); padding: 4px 12px; font-weight: 600; }
.semc-tabs button[aria-selected=true] { color: var(--ink); border-bottom-color: var(--accent); }
.semc-reviewer { margin-left: auto; display: flex; gap: 6px; align-items: baseline; max-width: 45%; }
.semc-reviewer > span:first-child { font-size: 11px; flex: none; }
.semc-reviewer .semc-clip { color: var(--ink); }
.semc-reviewer-input { margin-left: auto; max-width: 200px; padding: 3px 8px; }

.semc-queues { display: flex; flex-wrap: wrap; gap: 6px 14px; align-items: center; padding: 8px 12px 0; }
.semc-segments { display: flex; border: 1px solid var(--line); border-radius: 7px; overflow: hidden; }
.semc-segments button { border: none; border-radius: 0; background: none; color: var(--soft); padding: 4px 11px; }
.semc-segments button + button { border-left: 1px solid var(--line); }
.semc-segments button[aria-checked=true] { background: var(--raised); color: var(--ink); }
.semc-segments b { font-variant-numeric: tabular-nums; }
.semc-progress { display: flex; align-items: center; gap: 8px; flex: 1; min-width: 120px; color: var(--soft); font-variant-numeric: tabular-nums; white-space: nowrap; }
.semc-progress .semc-bar i { background: var(--good); }
.semc-problem { display: flex; gap: 10px; align-items: center; margin: 8px 12px 0; padding: 7px 10px; border: 1px solid var(--bad); border-radius: 6px;
  background: color-mix(in srgb, var(--bad) 12%, transparent); overflow-wrap: anywhere; }
.semc-problem span { flex: 1; }

.semc-scroll { flex: 1; overflow: auto; padding: 8px 12px 12px; min-height: 0; }
.semc-identity { display: flex; flex-wrap: wrap; gap: 4px 8px; align-items: center; margin-bottom: 8px; }
.semc-id { font-size: 15px; font-weight: 600; max-width: 60%; }
.semc-identity small { border-radius: 10px; padding: 1px 9px; border: 1px solid var(--line); color: var(--soft); max-width: 100%; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.semc-identity .semc-reason { border-style: dashed; color: var(--ink); }
.semc-identity .semc-state-review { border-color: var(--warn); color: var(--warn); }
.semc-identity .semc-state-unknown { border-color: var(--cool); color: var(--cool); }
.semc-identity .semc-state-auto, .semc-identity .semc-decision-confirmed, .semc-identity .semc-decision-auto { border-color: var(--good); color: var(--good); }
.semc-identity .semc-master-mark { border-color: var(--accent); color: var(--accent); }
.semc-columns { display: grid; gap: 14px; align-items: start; }
.semc-views { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 8px; }
.semc .semc-tile { padding: 0; overflow: hidden; background: var(--raised); border: 1px solid var(--line); border-radius: 6px; min-width: 0; display: flex; flex-direction: column; }
.semc .semc-tile.semc-best { border-color: var(--accent); }
.semc .semc-missing { border: 1px dashed color-mix(in srgb, var(--soft) 60%, transparent); border-radius: 6px; background: none; color: var(--soft); align-items: center; justify-content: center; gap: 2px; min-height: 120px; padding: 8px; text-align: center; }
.semc .semc-photo { padding: 0; border: none; border-radius: 0; display: block; flex: none; }
.semc-photo { position: relative; background: #000; aspect-ratio: 3 / 2; width: 100%; }
.semc-photo img { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: contain; display: block; }
.semc-poor .semc-photo img { opacity: .4; }
.semc-noimage { display: flex; align-items: center; justify-content: center; height: 100%; padding: 6px; color: var(--soft); overflow: hidden; font-size: 11px; overflow-wrap: anywhere; }
.semc-badge { position: absolute; top: 5px; right: 5px; max-width: calc(100% - 10px); overflow: hidden; text-overflow: ellipsis; white-space: nowrap;
  background: rgba(0, 0, 0, .72); color: #fff; font-size: 11px; border-radius: 4px; padding: 0 6px; }
.semc-best .semc-badge { background: var(--accent); color: #14100c; font-weight: 600; }
.semc-photo > .semc-kbd { position: absolute; top: 5px; left: 5px; background: rgba(0, 0, 0, .72); color: #fff; border: none; padding: 4px 6px; opacity: 1; }
.semc .semc-tags { display: flex; flex-wrap: wrap; gap: 3px; align-items: center; padding: 0 8px 6px; min-height: 26px; border: none; background: none; border-radius: 0; font-size: 11px; width: 100%; }
.semc-tags > span, .semc-tags > s { border-radius: 4px; padding: 0 5px; line-height: 17px; max-width: 100%; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; border: 1px solid transparent; }
.semc-tags > span { background: color-mix(in srgb, var(--warn) 22%, transparent); color: var(--warn); }
.semc-tags > .semc-unusable { background: color-mix(in srgb, var(--bad) 24%, transparent); color: var(--bad); }
.semc-corrected > span { background: none; border-color: currentColor; }
.semc-tags > s { color: var(--soft); border: 1px dashed color-mix(in srgb, var(--soft) 60%, transparent); }
.semc-tags > small { color: var(--soft); font-size: 11px; }
.semc-tags > em { margin-left: auto; display: inline-flex; align-items: center; gap: 3px; max-width: 60%; color: var(--good); }
.semc-tags i { font-style: normal; color: var(--soft); opacity: .45; margin-left: 2px; }
.semc-tags i .semc-kbd { font-size: 9px; opacity: 1; }
.semc-tags:hover i, .semc-tags:focus-visible i { opacity: 1; }
.semc-second { display: flex; flex-wrap: wrap; gap: 1px 6px; padding: 0 8px 6px; font-size: 11px; color: var(--soft); }
.semc-second .semc-disputed { color: var(--warn); font-weight: 600; }
.semc .semc-focused { box-shadow: 0 0 0 2px var(--cool); }
.semc-seen { display: grid; gap: 8px; min-width: 0; align-content: start; }
.semc .semc-advice { font-size: 12px; color: var(--soft); overflow-wrap: anywhere; }
.semc-advice b { color: var(--accent); font-weight: 600; margin-right: 4px; }
.semc .semc-retake { color: var(--ink); border-left: 3px solid var(--cool); background: color-mix(in srgb, var(--cool) 12%, transparent); border-radius: 4px; padding: 5px 9px; }
.semc-retake b { color: var(--cool); }
.semc-measures header { flex-wrap: wrap; }
.semc-measures dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(210px, 1fr)); gap: 0 18px; }
.semc-measures dl > div { display: flex; justify-content: space-between; gap: 8px; padding: 2px 0; border-bottom: 1px solid color-mix(in srgb, var(--line) 70%, transparent); font-size: 12px; }
.semc-measures dt { color: var(--soft); min-width: 0; }
.semc-measures dt small { margin-left: 5px; border: 1px solid var(--cool); color: var(--cool); border-radius: 3px; padding: 0 3px; font-size: 10px; }
.semc-measures dd { display: flex; gap: 4px; white-space: nowrap; font-variant-numeric: tabular-nums; }
.semc-measures dd b { font-weight: 500; }
.semc-unit { color: var(--soft); min-width: 12px; }
.semc-measures dd i { font-style: normal; width: 12px; text-align: center; color: var(--soft); }
.semc-caption { display: flex; gap: 6px; align-items: center; padding: 4px 8px; font-size: 12px; }
.semc-caption .semc-clip { flex: 1 1 auto; }
.semc-caption > span:last-child { flex: none; }
.semc-caption small, .semc-caption b { font-size: 11px; font-weight: 500; white-space: nowrap; font-variant-numeric: tabular-nums; }
.semc-caption small { color: var(--soft); }

.semc-side { display: grid; gap: 10px; min-width: 0; }
.semc-box { border: 1px solid var(--line); border-radius: 8px; padding: 9px 11px; background: var(--raised); display: grid; gap: 6px; min-width: 0; }
.semc-box header { display: flex; justify-content: space-between; gap: 8px; }
.semc-proposal { border-left: 3px solid var(--accent); }
.semc-proposal header em { color: var(--ink); font-weight: 600; border-bottom: 1px dotted var(--soft); cursor: help; }
.semc-name .semc-clip:first-child { font-size: 18px; font-weight: 600; line-height: 1.3; }
.semc-meter { display: flex; align-items: center; gap: 8px; font-size: 11.5px; color: var(--soft); }
.semc-meter > span { width: 66px; flex: none; }
.semc-meter b { width: 34px; text-align: right; color: var(--ink); font-weight: 500; font-variant-numeric: tabular-nums; }
.semc .semc-candidate { display: flex; align-items: center; gap: 9px; background: var(--ground); padding: 5px 9px; }
.semc-candidate-text { flex: 1; min-width: 0; }
.semc-candidate b { font-weight: 500; color: var(--soft); font-variant-numeric: tabular-nums; }
.semc-masters { display: grid; grid-template-columns: repeat(auto-fill, minmax(72px, 1fr)); gap: 6px; }
.semc .semc-master { padding: 0 0 3px; overflow: hidden; text-align: center; background: var(--ground); font-size: 11.5px; }
.semc-master img, .semc-master .semc-noimage { width: 100%; aspect-ratio: 1; object-fit: cover; display: block; background: #000; }
.semc-master .semc-clip { padding: 2px 4px 0; }
.semc-master small { color: var(--soft); font-variant-numeric: tabular-nums; }

.semc-actions { order: 3; display: flex; flex-wrap: wrap; gap: 5px; padding: 8px 12px; border-top: 1px solid var(--line); background: var(--raised); }
.semc .semc-actions button { display: inline-flex; align-items: center; gap: 6px; padding: 5px 8px; background: var(--ground); white-space: nowrap; }
.semc .semc-actions .semc-primary { background: var(--accent); }
.semc-actions .semc-primary .semc-clip { max-width: 11em; }
.semc-push { margin-left: auto; display: inline-flex; gap: 5px; }

.semc-empty { display: flex; flex-direction: column; align-items: center; gap: 12px; padding: 8vh 24px 24px; text-align: center; max-width: 560px; margin: 0 auto; overflow-wrap: anywhere; }
.semc-empty h2 { font-size: 17px; font-weight: 600; }
.semc-empty p { color: var(--soft); line-height: 1.7; }
.semc-empty-mark { width: 54px; height: 54px; border-radius: 50%; border: 1px solid var(--line); display: grid; place-items: center; font-size: 24px; color: var(--accent); }
.semc-empty code { background: var(--sunken); border: 1px solid var(--line); border-radius: 6px; padding: 6px 12px; font-family: ui-monospace, monospace; font-size: 12.5px; user-select: all; max-width: 100%; }
.semc-counts { display: flex; gap: 26px; }
.semc-counts dt { color: var(--soft); font-size: 11.5px; }
.semc-counts dd { font-size: 20px; font-weight: 600; font-variant-numeric: tabular-nums; }

.semc-searchbar { display: flex; gap: 8px; margin-bottom: 10px; }
.semc-searchbar .semc-input { font-size: 14px; }
.semc-searchbar button { white-space: nowrap; flex: none; }
.semc-found { display: flex; align-items: center; gap: 12px; margin-bottom: 8px; }
.semc-found button { margin-left: auto; white-space: nowrap; flex: none; }
.semc-hits { list-style: none; display: grid; grid-template-columns: repeat(auto-fill, minmax(128px, 1fr)); gap: 8px; }
.semc .semc-hits button { padding: 0 0 4px; overflow: hidden; width: 100%; }
.semc-hits .semc-photo { aspect-ratio: 1; }
.semc-hits button > .semc-clip { padding: 3px 8px 0; font-size: 12px; }

.semc-conditions .semc-found { flex-wrap: wrap; }
.semc-found label { display: flex; align-items: center; gap: 8px; white-space: nowrap; color: var(--soft); }
.semc-found select { width: auto; max-width: 180px; padding: 4px 8px; }
.semc-heat { overflow: auto; max-width: 100%; border: 1px solid var(--line); border-radius: 8px; margin-bottom: 8px; }
.semc-heat table { border-collapse: separate; border-spacing: 2px; font-size: 12px; font-variant-numeric: tabular-nums; width: 100%; }
.semc-heat th { font-weight: 500; color: var(--soft); padding: 0; }
.semc-heat thead th { vertical-align: bottom; text-align: center; }
.semc .semc-heat thead button { background: none; border: none; padding: 4px 2px; width: 100%; display: grid; justify-items: center; gap: 3px; color: var(--soft); font-size: 11.5px; }
.semc .semc-heat thead button:hover, .semc .semc-heat th[aria-sort] button { color: var(--ink); }
.semc-heat thead i { font-style: normal; font-size: 9px; color: var(--accent); }
.semc-upright { writing-mode: vertical-rl; max-height: 132px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.semc:lang(en) .semc-upright { transform: rotate(180deg); }
.semc-heat .semc-row-name { position: sticky; left: 0; z-index: 1; background: var(--ground); text-align: left; white-space: nowrap; padding: 2px 6px 2px 8px; max-width: 190px; overflow: hidden; text-overflow: ellipsis; }
.semc-row-name b { color: var(--ink); font-weight: 600; }
.semc-row-name small { color: var(--soft); margin-left: 4px; }
.semc-heat td { padding: 0; text-align: center; min-width: 26px; height: 26px; border-radius: 4px; }
.semc .semc-heat td button { width: 100%; height: 26px; padding: 0; border: 1px solid transparent; border-radius: 4px; text-align: center; font-size: 12px; }
.semc .semc-heat td button:hover { border-color: var(--ink); }
.semc .semc-heat .semc-hot-cell { color: #14100c; font-weight: 600; }
.semc-zero { color: color-mix(in srgb, var(--soft) 55%, transparent); }
.semc-mean { color: var(--ink); }
.semc-conditions .semc-note + .semc-note { margin-top: 4px; }

.semc .semc-line { display: flex; gap: 8px; align-items: center; margin: 8px 12px 0; padding: 4px 10px; border: 1px solid var(--line); border-left: 3px solid var(--soft); border-radius: 6px; background: none; font-size: 12px; color: var(--ink); max-width: none; }
.semc-line > b { flex: none; width: 14px; text-align: center; }
.semc-line > span { flex: 1; min-width: 0; overflow: hidden; display: -webkit-box; -webkit-line-clamp: 2; -webkit-box-orient: vertical; }
.semc-line small { color: var(--soft); }
.semc-line > i { font-style: normal; color: var(--soft); }
.semc .semc-line > button { flex: none; padding: 2px 10px; }
.semc .semc-line-certified { border-left-color: var(--good); } .semc-line-certified > b { color: var(--good); }
.semc .semc-line-suspended { border-left-color: var(--bad); background: color-mix(in srgb, var(--bad) 12%, transparent); } .semc-line-suspended > b { color: var(--bad); }
.semc .semc-line-stale { border-left-color: var(--warn); background: color-mix(in srgb, var(--warn) 10%, transparent); } .semc-line-stale > b { color: var(--warn); }
.semc .semc-trust .semc-line { margin: 0 0 10px; }
.semc-identity .semc-stale-mark { border-color: var(--warn); color: var(--warn); }
.semc-contribution { display: flex; flex-wrap: wrap; gap: 2px 6px; align-items: center; padding: 0 8px 5px; font-size: 11px; }
.semc-contribution small { color: var(--soft); font-size: 11px; min-width: 24px; }
.semc-contribution + .semc-contribution { margin-top: -3px; }
.semc-contribution b { font-weight: 500; width: 46px; text-align: right; font-variant-numeric: tabular-nums; }
.semc-contribution > span { color: var(--soft); }
.semc-diverging { position: relative; flex: 1; min-width: 32px; height: 6px; border-radius: 3px; background: color-mix(in srgb, var(--soft) 20%, transparent); }
.semc-diverging::before { content: ""; position: absolute; left: 50%; top: -2px; bottom: -2px; width: 1px; background: var(--soft); }
.semc-diverging i { position: absolute; top: 0; bottom: 0; background: var(--good); border-radius: 3px; }
.semc-diverging .semc-against { background: var(--bad); }
.semc-contribution .semc-vote { flex: 1 0 100%; color: var(--warn); }
.semc .semc-one-view { border-left-color: var(--warn); background: color-mix(in srgb, var(--warn) 10%, transparent); }
.semc-one-view b { color: var(--warn); }
.semc-missing small { font-size: 11px; }
.semc-blind { border-left: 3px solid var(--cool); }
.semc-certified { color: var(--good); }

.semc-trust { display: grid; gap: 14px; align-content: start; }
.semc-trust h2 { font-size: 15px; font-weight: 600; line-height: 1.4; }
.semc-wide-input { flex: 1 1 220px; width: auto; }
.semc-promise { gap: 10px; border-left: 3px solid var(--soft); }
.semc-promise-certified { border-left-color: var(--good); } .semc-promise-certified h2 b { color: var(--good); }
.semc-promise-suspended { border-left-color: var(--bad); } .semc-promise-suspended h2 b { color: var(--bad); }
.semc-why { margin: 0; padding-left: 18px; color: var(--soft); font-size: 12px; }
.semc-start { justify-content: flex-start; }
.semc-trust .semc-counts { flex-wrap: wrap; gap: 6px 24px; }
.semc-asked label { display: flex; align-items: center; gap: 6px; white-space: nowrap; color: var(--soft); }
.semc-asked .semc-input { width: 64px; padding: 4px 8px; text-align: right; }
.semc-asked .semc-input[aria-invalid=true] { border-color: var(--bad); }
.semc-check { display: flex; gap: 8px; align-items: center; font-size: 12px; color: var(--soft); }
.semc-details summary { cursor: pointer; color: var(--soft); font-size: 12px; }
.semc-health { display: grid; gap: 8px; min-width: 0; }
.semc-table { border-collapse: collapse; width: 100%; font-size: 12px; font-variant-numeric: tabular-nums; }
.semc-tables .semc-table { border-spacing: 0; border-collapse: collapse; }
.semc .semc-table th, .semc .semc-table td { text-align: left; padding: 4px 8px; border-bottom: 1px solid color-mix(in srgb, var(--line) 70%, transparent); height: auto; min-width: 0; border-radius: 0; vertical-align: middle; }
.semc-table thead th { color: var(--soft); font-weight: 500; white-space: nowrap; }
.semc-table small { color: var(--soft); }
.semc .semc-table td.semc-suggestion { min-width: 150px; max-width: 260px; }
.semc-warned { color: var(--warn); }
.semc .semc-heat .semc-table td .semc-thumb, .semc .semc-table .semc-thumb { display: flex; gap: 8px; align-items: center; padding: 2px; width: auto; height: auto; background: none; border: 1px solid transparent; color: var(--ink); max-width: 190px; }
.semc .semc-table .semc-thumb:hover { border-color: var(--soft); }
.semc-thumb img, .semc-thumb .semc-noimage { width: 40px; height: 40px; object-fit: cover; border-radius: 4px; background: #000; flex: none; }
.semc-thumb > span { min-width: 0; }
.semc-promote { display: flex; flex-wrap: wrap; gap: 4px; }
.semc-labels { flex: 1; min-height: 0; display: grid; grid-template-columns: minmax(150px, 240px) minmax(0, 1fr); }
.semc-labels nav { display: flex; flex-direction: column; gap: 8px; padding: 8px; min-height: 0; border-right: 1px solid var(--line); }
.semc-label-list { overflow: auto; display: grid; gap: 2px; align-content: start; padding: 1px; }
.semc .semc-label-list button { background: none; border-color: transparent; display: grid; grid-template-columns: 10px minmax(0, 1fr) auto auto; gap: 8px; align-items: center; padding: 4px 8px; }
.semc .semc-label-list .semc-active { background: var(--raised); border-color: var(--accent); }
.semc-label-list i, .semc-label-card > header > i { width: 10px; height: 10px; border-radius: 50%; border: 1px solid var(--soft); }
.semc-label-list b { color: var(--soft); font-weight: 500; font-variant-numeric: tabular-nums; }
.semc-label-list small { color: var(--soft); font-size: 11px; }
.semc-label-list .semc-status-merged, .semc-label-list .semc-status-deprecated, .semc-label-list .semc-status-split { opacity: .65; }
.semc-label-card { display: grid; gap: 10px; max-width: 900px; }
.semc-label-card > header { display: flex; flex-wrap: wrap; gap: 4px 10px; align-items: center; }
.semc-label-card > header > div { min-width: 0; max-width: 75%; }
.semc-label-card h2 { font-size: 18px; line-height: 1.3; }
.semc-label-card > header small { border: 1px solid var(--line); border-radius: 10px; padding: 0 8px; color: var(--soft); font-size: 11px; }
.semc-numbers { display: flex; flex-wrap: wrap; gap: 4px 22px; }
.semc-numbers dt { color: var(--soft); font-size: 11px; }
.semc-numbers dd { font-size: 17px; font-weight: 600; font-variant-numeric: tabular-nums; }
.semc .semc-label-actions { justify-content: flex-start; }
.semc-words { overflow-wrap: anywhere; white-space: pre-wrap; }
.semc-chips { display: flex; flex-wrap: wrap; gap: 4px; }
.semc-chips span { border: 1px solid var(--line); border-radius: 10px; padding: 0 8px; font-size: 11.5px; max-width: 100%; overflow: hidden; text-overflow: ellipsis; }
.semc .semc-timeline, .semc .semc-changes { list-style: none; display: grid; gap: 2px; }
.semc-timeline li { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 4px 14px; padding: 5px 0 5px 12px; border-left: 2px solid var(--line); }
.semc-timeline .semc-now { border-left-color: var(--accent); }
.semc-timeline small, .semc-changes small { color: var(--soft); font-size: 11px; }
.semc-version-numbers > span { font-size: 11.5px; color: var(--soft); }
.semc-bar i.semc-warn { background: var(--warn); }
.semc-changes li { display: flex; justify-content: space-between; gap: 10px; align-items: center; padding: 3px 0; border-bottom: 1px solid color-mix(in srgb, var(--line) 70%, transparent); }
.semc .semc-changes button { padding: 1px 8px; white-space: nowrap; }
.semc-dialog[data-cy=semc-label-form] { width: min(620px, 100%); }
.semc-form { display: grid; gap: 9px; }
.semc-form h2 { display: flex; gap: 10px; align-items: baseline; min-width: 0; white-space: nowrap; }
.semc-form label { display: grid; gap: 2px; min-width: 0; }
.semc-form label > span { font-size: 11.5px; color: var(--soft); }
.semc-form textarea { resize: vertical; }
.semc-form fieldset { border: 1px solid var(--line); border-radius: 8px; padding: 6px 10px 10px; display: grid; gap: 6px; min-width: 0; }
.semc-form footer { justify-content: flex-end; }
.semc-given { display: grid; grid-template-columns: repeat(auto-fill, minmax(170px, 1fr)); gap: 6px; max-height: 24vh; overflow: auto; }
.semc-effects { border-left: 3px solid var(--cool); }
.semc .semc-flips { padding-left: 16px; font-size: 12px; margin: 0; }
.semc-warning { color: var(--warn); }

/* Lies over the whole App, so what is in it fits the window, not the panel. */
.semc-layer { container-type: inline-size; position: fixed; inset: 0; z-index: 5000; background: rgba(0, 0, 0, .66); display: grid; place-items: center; padding: 14px; }
.semc-dialog { position: relative; background: var(--ground); border: 1px solid var(--line); border-radius: 10px; padding: 18px; width: min(480px, 100%); max-height: 100%; overflow: auto; display: grid; gap: 10px; box-shadow: 0 12px 40px rgba(0, 0, 0, .5); outline: none; }
.semc-dialog h2 { font-size: 15px; padding-right: 28px; }
.semc .semc-close { position: absolute; top: 8px; right: 8px; width: 28px; height: 28px; padding: 0; text-align: center; background: none; border: none; font-size: 18px; color: var(--soft); z-index: 1; }
.semc-dialog[data-cy=semc-lightbox] { width: min(1200px, 100%); height: 100%; padding: 8px; }
.semc-large { display: flex; align-items: center; gap: 6px; height: 100%; min-height: 0; }
.semc-large figure { flex: 1; min-width: 0; height: 100%; display: flex; flex-direction: column; gap: 6px; cursor: zoom-out; }
.semc-large img { flex: 1; min-height: 0; width: 100%; object-fit: contain; }
.semc-large figcaption { text-align: center; color: var(--soft); }
.semc-large figcaption b { color: var(--ink); margin-right: 8px; }
.semc .semc-step { background: none; border: none; font-size: 26px; padding: 10px 8px; }
.semc-dialog[data-cy=semc-tag-editor] { width: min(820px, 100%); }
.semc-tagging { display: grid; gap: 10px 14px; min-height: 0; }
.semc-tagging h2 { display: flex; gap: 10px; align-items: baseline; min-width: 0; white-space: nowrap; }
.semc-tagging figure { display: grid; gap: 6px; align-content: start; min-width: 0; }
.semc-tagging img, .semc-tagging .semc-noimage { width: 100%; max-height: 60vh; object-fit: contain; background: #000; border-radius: 6px; display: block; }
.semc-tagging .semc-second { padding: 2px 0 0; }
.semc-tag-list { display: grid; gap: 2px; align-content: start; outline: none; overflow: auto; min-width: 0; }
.semc-tag-list > div { display: grid; grid-template-columns: 22px 18px minmax(0, auto) minmax(0, 1fr) auto; gap: 0 7px; align-items: center; padding: 3px 8px; border: 1px solid transparent; border-radius: 6px; cursor: pointer; }
.semc-tag-list > div > .semc-kbd { text-align: center; }
.semc-tag-list > div > i { font-style: normal; width: 17px; height: 17px; line-height: 15px; text-align: center; border: 1px solid var(--soft); border-radius: 4px; font-weight: 700; font-size: 12px; }
.semc-tag-list > [aria-selected=true] > i { background: var(--warn); border-color: var(--warn); color: #14100c; }
.semc-tag-list > [aria-selected=true] > .semc-clip:not(.semc-other) { color: var(--warn); }
.semc-tag-list > .semc-active { background: var(--raised); border-color: var(--line); }
.semc-tag-list:focus > .semc-active { border-color: var(--accent); }
.semc-tag-list small { color: var(--soft); font-size: 11px; }
.semc-tagging footer { display: flex; flex-wrap: wrap; gap: 6px; }
.semc .semc-tagging footer button { display: inline-flex; gap: 6px; align-items: center; white-space: nowrap; }
.semc-options { display: grid; gap: 3px; max-height: 46vh; overflow: auto; padding: 1px; }
.semc .semc-options button { background: none; border-color: transparent; display: grid; grid-template-columns: 18px 1fr 1fr; gap: 0 10px; align-items: center; }
.semc .semc-options .semc-active { background: var(--raised); border-color: var(--accent); }
.semc-options .semc-definition { grid-column: 2 / -1; color: var(--soft); font-size: 11.5px; }
.semc-keys { display: grid; gap: 7px; }
.semc-keys > div { display: grid; grid-template-columns: 146px 1fr; align-items: baseline; }

/* A line of no height above the buttons, from which messages hang upwards: they never cover a button. */
.semc-toasts { order: 2; margin-top: auto; height: 0; position: relative; z-index: 40; }
.semc-toasts > div { position: absolute; left: 12px; right: 12px; bottom: 10px; display: grid; gap: 6px; justify-items: center; pointer-events: none; }
.semc-toast { pointer-events: auto; display: flex; gap: 12px; align-items: center; max-width: 100%; background: var(--sunken); border: 1px solid var(--line); border-left: 3px solid var(--soft); border-radius: 7px; padding: 6px 12px; box-shadow: 0 6px 20px rgba(0, 0, 0, .45); }
.semc-toast > span { overflow: hidden; text-overflow: ellipsis; display: -webkit-box; -webkit-line-clamp: 2; -webkit-box-orient: vertical; overflow-wrap: anywhere; }
.semc-toast button { flex: none; padding: 2px 9px; white-space: nowrap; }
.semc-done { border-left-color: var(--good); }
.semc-busy { opacity: .8; }

/* The App lays its own previous/next arrows over both edges of the modal. */
@container (min-width: 700px) { .semc-in-modal .semc-scroll { padding-inline: 54px; } }
@container (min-width: 480px) { .semc-views { grid-template-columns: repeat(3, minmax(0, 1fr)); } .semc-side { grid-template-columns: 1fr 1fr; align-items: start; } .semc-wide { grid-column: 1 / -1; } }
@container (min-width: 900px) { .semc-columns { grid-template-columns: minmax(0, 1fr) 300px; } .semc-side { grid-template-columns: 1fr; } }
@container (max-width: 479px) { .semc-caption small { display: none; } .semc-photo { aspect-ratio: 3 / 2; } .semc-reviewer > span:first-child, .semc-actions .semc-kbd { display: none; } .semc-actions { gap: 4px; padding-inline: 8px; } .semc .semc-actions button { padding: 5px 6px; } }
@container (min-width: 560px) { .semc-tagging { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); } .semc-tagging h2, .semc-tagging footer { grid-column: 1 / -1; } }
@container (max-width: 559px) { .semc-tagging img, .semc-tagging .semc-noimage { max-height: 24vh; } .semc-tag-list { max-height: 46vh; } }
@container (max-width: 559px) { .semc-labels { grid-template-columns: 1fr; grid-template-rows: minmax(90px, 30%) minmax(0, 1fr); } .semc-labels nav { border-right: none; border-bottom: 1px solid var(--line); } .semc-timeline li { grid-template-columns: 1fr; } }
@container (max-width: 379px) { .semc-header { flex-wrap: wrap; } .semc-tabs { flex: 1 0 100%; } .semc-reviewer { max-width: 60%; } }
@media (prefers-reduced-motion: no-preference) { .semc-toast { animation: semc-rise .16s ease-out; } }
@keyframes semc-rise { from { transform: translateY(6px); opacity: 0; } }
`;
