"""Every text of ours that reaches the App, in Japanese and English, by code. No other file holds such texts."""

from __future__ import annotations

MESSAGES: dict[str, dict[str, str]] = {
    # -- review reasons (decide/propose.py) --------------------------------------------------------------------
    "reason.no_usable_view": {"ja": "使えるビューがない", "en": "no usable view"},
    "reason.too_few_masters": {"ja": "マスターが足りない", "en": "too few masters"},
    "reason.unknown": {"ja": "未知の可能性", "en": "unlike every master"},
    "reason.close_candidates": {"ja": "候補が拮抗", "en": "close candidates"},
    "reason.views_disagree": {"ja": "ビュー間で不一致", "en": "views disagree"},
    "reason.low_confidence": {"ja": "確信度が低い", "en": "low confidence"},
    "reason.poor_quality": {"ja": "画質が低い", "en": "poor quality"},
    # -- notices -----------------------------------------------------------------------------------------------
    "notice.not_certified": {
        "ja": "提案です（誤り率の保証はまだありません）",
        "en": "suggestion, not certified",
    },
    # -- quality tags (quality/gate.py) ------------------------------------------------------------------------
    "tag.no_particle": {"ja": "粒子が見つからない", "en": "no particle found"},
    "tag.blur": {"ja": "ボケ", "en": "blurred"},
    "tag.noise": {"ja": "ノイズが多い", "en": "noisy"},
    "tag.low_contrast": {"ja": "コントラスト不足", "en": "low contrast"},
    "tag.charging": {"ja": "チャージアップ", "en": "charging"},
    "tag.saturation": {"ja": "白飛び・黒つぶれ", "en": "overexposed or clipped"},
    "tag.drift": {"ja": "ドリフト・像ずれ", "en": "drift"},
    "tag.contour_missing": {"ja": "外周欠け", "en": "outer contour missing"},
    "tag.frame_cut": {"ja": "画面端で切れている", "en": "cut by the frame"},
    "tag.several_particles": {"ja": "複数粒子", "en": "several particles"},
    "tag.scale_bar": {"ja": "スケールバーが粒子にかかっている", "en": "scale bar over the particle"},
    "tag.small_particle": {"ja": "小さく写っている", "en": "small in the frame"},
    "tag.info_bar": {"ja": "情報バーあり", "en": "info bar in the image"},
    "tag.unreadable": {"ja": "画像を読めない", "en": "image cannot be read"},
    # -- what quality rests on, retake advice, second opinion, condition report -------------------------------
    "reason.vlm_quality": {"ja": "VLM が画質について異なる見立て", "en": "the VLM sees the image quality differently"},
    "basis.rank": {"ja": "同条件のビューの中での順位を使った判定", "en": "ranked among the views of this condition"},
    "basis.prior": {
        "ja": "絶対値による判定（同条件のビューが30枚未満）",
        "en": "absolute values (fewer than 30 views of this condition)",
    },
    "retake.poor": {
        "ja": "{view} を再撮影すると「{a}」と「{b}」を見分けやすくなります"
        "（マスターでの分離 {separation:.2f}、今の最良 {best:.2f}）",
        "en": "retake {view} to tell “{a}” from “{b}” (separation of the masters {separation:.2f}, "
        "best view now {best:.2f})",
    },
    "retake.missing": {
        "ja": "{view} を撮影すると「{a}」と「{b}」を見分けやすくなります"
        "（マスターでの分離 {separation:.2f}、今の最良 {best:.2f}）",
        "en": "take the missing {view} to tell “{a}” from “{b}” (separation of the masters {separation:.2f}, "
        "best view now {best:.2f})",
    },
    "report.conditions": {"ja": "撮像条件ごとの不具合", "en": "Faults by imaging condition"},
    "report.missing": {"ja": "欠損", "en": "missing"},
    "report.unusable": {"ja": "使用不可", "en": "unusable"},
    "report.share": {"ja": "ビューの割合 [%]", "en": "share of views [%]"},
    "report.views": {"ja": "枚", "en": "views"},
    "report.no_value": {"ja": "（不明）", "en": "(unknown)"},
    "report.empty": {
        "ja": "まだ画質を測定したビューがありません。先に実行: sem-curate run --stage quality",
        "en": "no view has been measured yet; run first: sem-curate run --stage quality",
    },
    # -- vectors (embed/shift.py) ------------------------------------------------------------------------------
    "notice.shift": {
        "ja": "{count} 個の撮像条件の新しい画像が、これまでと異なって見えます。提案を信用する前に確認してください: "
        "sem-curate status --dataset {name}",
        "en": "new images of {count} imaging conditions look different from before; look before trusting proposals: "
        "sem-curate status --dataset {name}",
    },
    # -- why a view is recommended (quality/recommend.py) ------------------------------------------------------
    "recommend.only_view": {"ja": "唯一のビュー", "en": "the only view"},
    "recommend.whole_outline": {"ja": "輪郭全体が見える中で最良", "en": "best view with the whole outline"},
    "recommend.best_quality": {"ja": "画質が最良", "en": "best quality"},
    "recommend.least_bad": {"ja": "使えるビューがない中で最良", "en": "least bad; no view is usable"},
    # -- decision lane: one-view proposals, certificates, master health, notes ---------------------------------
    "reason.one_view": {"ja": "1 つのビューだけで決まった提案", "en": "rests on a single view"},
    "evidence.one_view": {
        "ja": "{view} を除くと別のラベルになります",
        "en": "without {view} the proposal would be another label",
    },
    "evidence.not_available": {"ja": "画像なし", "en": "not available"},
    "certificate.certified": {
        "ja": "保証あり: 自動確定の誤りは {alpha:.1%} 以下（信頼度 {confidence:.0%}、監査 {audited} 件）",
        "en": "certified: at most {alpha:.1%} of the auto-confirmed are wrong "
        "(confidence {confidence:.0%}, {audited} audits)",
    },
    "certificate.suspended_now": {
        "ja": "新しいバッチが監査時と異なるため、保証を停止しました: sem-curate certificate status --dataset {name}",
        "en": "the new batch differs from what was audited, so the certificate is suspended: "
        "sem-curate certificate status --dataset {name}",
    },
    "certificate.line": {
        "ja": "保証あり: 誤り {alpha} 以下（監査 {audited} 件、信頼度 {confidence}）",
        "en": "certified: at most {alpha} wrong, from {audited} audits (confidence {confidence})",
    },
    "certificate.line_more": {
        "ja": "提案です（保証なし）: 監査があと {more} 件ほど必要",
        "en": "suggestion: {more} more audits needed",
    },
    "certificate.line_waiting": {
        "ja": "提案です（保証なし）: 監査があと {more} 件ほど必要（うち {waiting} 件が判定待ち）",
        "en": "suggestion: {more} more audits needed, {waiting} of them wait for your judgement",
    },
    "certificate.line_try": {
        "ja": "提案です（保証なし）: 監査 {audited} 件がそろいました。保証を試せます",
        "en": "suggestion: {audited} audits are in; try to certify",
    },
    "certificate.line_too_many_wrong": {
        "ja": "提案です（保証なし）: 誤りが多く、監査を増やしても保証できません。マスターを見直すか、誤りの上限を"
        "上げてください",
        "en": "suggestion: too many audits are wrong; more would not help. Improve the masters or allow more errors",
    },
    "certificate.line_nothing": {
        "ja": "提案がまだないので、保証するものがありません",
        "en": "nothing has been proposed yet, so there is nothing to certify",
    },
    "certificate.line_exhausted": {
        "ja": "提案です（保証なし）: 監査できる粒子が足りません（あと {more} 件必要、残り {left} 件）",
        "en": "suggestion: {more} more audits needed, but only {left} particles are left to audit; add particles",
    },
    "certificate.other_reference": {
        "ja": "前の保証は、マスターか設定が変わる前の提案についてのものです",
        "en": "the last certificate was about proposals from other masters or settings",
    },
    "certificate.revoked": {"ja": "保証は取り消されました: {reason}", "en": "the certificate was revoked: {reason}"},
    "certificate.opted_in": {
        "ja": "保証なしで自動確定する設定です（{who}）",
        "en": "auto proposals are confirmed without a certificate ({who} chose so)",
    },
    "certificate.spent": {
        "ja": "監査した粒子がマスターになったので、その回の監査 {count} 件は使えません",
        "en": "{count} audits no longer count, because one of their draw became a master",
    },
    "score.margin": {"ja": "2位との差", "en": "margin"},
    "score.knownness": {"ja": "既知らしさ", "en": "known-ness"},
    "audit.blind": {
        "ja": "監査 {place} / {count}: 画像だけで判定してください。提案は、この回の全件の判定が終わるまで隠れています",
        "en": "audit {place} of {count}: judge from the pictures alone; the proposal is hidden until all are judged",
    },
    "audit.judged": {
        "ja": "監査済み。この回の残り {left} 件の判定が終わると提案が見えます",
        "en": "audited; the proposal shows when the other {left} of this draw are judged",
    },
    "reason.audit": {"ja": "監査", "en": "audit"},
    "certificate.suggestion": {"ja": "提案です（保証なし）", "en": "suggestion, not certified"},
    "certificate.suspended": {"ja": "保証を停止しました", "en": "certificate suspended"},
    "certificate.too_few_audits": {
        "ja": "監査が足りません。あと {more} 件ほど必要です",
        "en": "too few audits; about {more} more are needed",
    },
    "certificate.too_many_wrong": {
        "ja": "誤りが多く、監査を増やしても保証できません。マスターを見直すか、許容誤り率を上げてください",
        "en": "too many are wrong; more audits would not help. Improve the masters or allow more errors",
    },
    "certificate.scores_moved": {
        "ja": "新しいバッチのスコア分布が監査時と異なります（{names}）。監査し直してください",
        "en": "scores of the new batch differ from what was audited ({names}); audit again",
    },
    "certificate.label_redefined": {
        "ja": "ラベルの意味が変わりました。監査は前の意味で行われています",
        "en": "a label means something else now; the audits were judged by what it meant before",
    },
    "certificate.audits_fail": {
        "ja": "新しいバッチの監査で誤りが約束より多く見つかりました。監査し直してください",
        "en": "audits of the new batch found more errors than promised; audit again",
    },
    "health.keep": {"ja": "このまま", "en": "keep"},
    "health.retire_twin": {
        "ja": "ほぼ同じマスターがあります。外しても変わりません",
        "en": "another master says the same; it can be retired",
    },
    "health.retire_misleading": {
        "ja": "別のラベルに近く、外すと正解が増えます",
        "en": "closer to another label; proposals get better without it",
    },
    "health.check_label": {
        "ja": "別のラベルのマスターに近い。ラベルを確認してください",
        "en": "closer to masters of another label; check its label",
    },
    "health.photograph": {
        "ja": "多くの提案がこのマスターによりますが、画像が悪いか足りません。撮り直してください",
        "en": "many proposals rest on it, but its pictures are poor or few; photograph it again",
    },
    "health.overruled": {
        "ja": "このマスターによる提案の多くを人が覆しました。別のラベルが足りないか、画像がほかと紛らわしい",
        "en": "people mostly decided otherwise where it drove the proposal: a label is missing or its pictures mislead",
    },
    "health.promote": {
        "ja": "今のマスターと違う姿です。マスターに加えると役立ちます",
        "en": "unlike the masters of its label; it would make a useful master",
    },
    "note.no_masters": {
        "ja": "使えるマスターがありません。マスターを登録してください",
        "en": "there are no usable masters; register some",
    },
    "note.one_label": {
        "ja": "ラベルが {example} だけです。区別する相手がいません",
        "en": "there is only one label, {example}; nothing to tell it from",
    },
    "note.masters_without_view": {
        "ja": "使えるビューのないマスターが {count} 件あります（例: {example}）。撮り直すか外してください",
        "en": "{count} masters have no usable view (e.g. {example}); photograph them again or retire them",
    },
    "note.same_masters": {
        "ja": "2 つのラベルに同じマスターがあります（{count} 組、例: {example}）。片方から外してください",
        "en": "two labels share a master ({count} pairs, e.g. {example}); take it out of one of them",
    },
    "note.broken_views": {
        "ja": "ベクトルが壊れているビューが {count} 件あり、欠損として扱いました（例: {example}）。"
        "再度埋め込んでください",
        "en": "{count} views have broken vectors and count as missing (e.g. {example}); embed them again",
    },
    # -- what keeps a proposal from being confirmed automatically (decide/confirming.py) ------------------------
    "reason.not_certified": {"ja": "提案（保証なし）", "en": "suggestion, not certified"},
    "reason.certificate_suspended": {"ja": "保証を停止中", "en": "certificate suspended"},
    "reason.below_certificate": {"ja": "保証の対象より確信度が低い", "en": "less certain than what is certified"},
    "note.other_vectors": {
        "ja": "採用中の統合モデル {example} は別のベクトルで学習したため使えません。既定の統合を使います。"
        "学習し直してください: sem-curate train integrator",
        "en": "the adopted integrator {example} was trained on other vectors and is not used; train again with: "
        "sem-curate train integrator",
    },
    # -- suspended certificates (decide/trust_words.py) ---------------------------------------------------------
    "certificate.suspended_more": {
        "ja": "保証を停止中: もう一度保証するには監査があと {more} 件ほど必要",
        "en": "certificate suspended: {more} more audits needed to certify again",
    },
    "certificate.suspended_try": {
        "ja": "保証を停止中: 新しい監査がそろいました。保証をもう一度試せます",
        "en": "certificate suspended: new audits are in; try to certify again",
    },
    "certificate.by_hand": {"ja": "{who} が停止しました: {reason}", "en": "suspended by {who}: {reason}"},
    "certificate.outdated": {
        "ja": "保証を停止したため、それより前の監査 {count} 件は使えません",
        "en": "{count} audits no longer count: the certificate that they gave was suspended",
    },
    # -- an adopted integrator that a later comparison does not confirm (decide/doubts.py) ----------------------
    "integrator.loses": {
        "ja": "統合モデル {number}（{rung}）を使用中ですが、今の比較では既定の統合に負けています（{gain} ポイント、"
        "95 %: {low} ～ {high}）。既定に戻す: sem-curate train integrator --dataset {name} --revert",
        "en": "integrator {number} ({rung}) stays in force, but now loses to the quality mean ({gain} points, "
        "95 % {low} to {high}); go back with: sem-curate train integrator --dataset {name} --revert",
    },
    "integrator.no_gain": {
        "ja": "統合モデル {number}（{rung}）を使用中ですが、今の比較では既定の統合に確かに勝つとは言えません（{gain} "
        "ポイント、95 %: {low} ～ {high}）。既定に戻す: sem-curate train integrator --dataset {name} --revert",
        "en": "integrator {number} ({rung}) stays in force, but no longer surely beats the quality mean ({gain} "
        "points, 95 % {low} to {high}); go back with: sem-curate train integrator --dataset {name} --revert",
    },
    "integrator.other_vectors": {
        "ja": "採用中の統合モデル {number}（{rung}）は別のベクトルで学習したため使われていません。この表示を消すには: "
        "sem-curate train integrator --dataset {name} --revert",
        "en": "integrator {number} ({rung}) was trained on other vectors and is not used; put the quality mean in "
        "force with: sem-curate train integrator --dataset {name} --revert",
    },
    # Several reviewers at once.
    "conflict.standing": {
        "ja": "{by} さんが先に粒子 {particle} を「{decision}」としました。何も書き込んでいません。もう一度見てください",
        "en": "{by} was first: particle {particle} is now '{decision}'; nothing of yours was written, look at it again",
    },
    "conflict.undecided": {"ja": "未判定", "en": "undecided"},
    "conflict.unknown": {"ja": "不明", "en": "unknown"},
    "conflict.skipped": {"ja": "スキップ", "en": "skipped"},
    "conflict.confirmed": {"ja": "確定", "en": "confirmed"},
    "conflict.auto": {"ja": "自動判定", "en": "decided automatically"},
    "reason.reviewers_waiting": {"ja": "別の担当者の判断待ち", "en": "another reviewer is asked"},
    "reason.reviewers_disagree": {"ja": "担当者間で不一致", "en": "reviewers disagree"},
    "reason.reviewers_agree": {"ja": "複数の担当者が一致", "en": "reviewers agree"},
    "again.split": {"ja": "「{label}」が分割されました", "en": "“{label}” was split"},
    "again.split_as": {
        "ja": "「{label}」が分割されました。おそらく「{suggested}」",
        "en": "“{label}” was split; probably “{suggested}”",
    },
    "again.drift": {
        "ja": "「{label}」の定義が変わりました。今も当てはまりますか",
        "en": "the definition of “{label}” changed; does it still fit?",
    },
    "database.gone": {
        "ja": "データベースが応答しません（{reason}）。保存済みの判定は失われていません。MongoDB を起動し、"
        "同じ操作をもう一度行ってください",
        "en": "the database does not answer ({reason}); what was confirmed as saved is safe; start MongoDB and do the "
        "last step again",
    },
}


def text(code: str, language: str) -> str:
    """Return a text by code; an unknown code is shown as it is, so that nothing disappears silently."""
    return MESSAGES.get(code, {}).get(language, code)


def both(code: str) -> dict[str, str]:
    """Return ``{"ja", "en"}`` of one code."""
    return {"ja": text(code, "ja"), "en": text(code, "en")}


def coded(kind: str, code: str) -> dict[str, str]:
    """Return ``{"code", "ja", "en"}`` of ``kind.code``, showing the bare code when it has no text.

    >>> coded("reason", "unknown")["en"]
    'unlike every master'
    """
    full = f"{kind}.{code}"
    shown = both(full) if full in MESSAGES else {"ja": code, "en": code}
    return {"code": code, **shown}
