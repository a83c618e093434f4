"""What SEM users call things: concept code -> synonyms in English and Japanese, and how they sit in a sentence."""

from __future__ import annotations

from types import MappingProxyType

Words = tuple[str, ...]


def _both(en: str, ja: str) -> dict[str, Words]:
    return {"en": tuple(en.split("|")), "ja": tuple(ja.split("|"))}


CONCEPTS: MappingProxyType[str, dict[str, Words]] = MappingProxyType(
    {
        # shape families
        "sphere": _both("spherical|sphere|round|ball-shaped|globular", "球状|球形|丸い|真球"),
        "rough_sphere": _both("rough sphere|bumpy sphere|rough-surfaced sphere|knobbly sphere|bumpy round",
                              "表面が粗い球|ごつごつした球|粗い球状|でこぼこした球"),
        "needle": _both("needle-like|needle|needle-shaped|acicular", "針状|針のような|針形"),
        "rod": _both("rod|rod-shaped|rod-like|columnar|column", "棒状|柱状|ロッド|円柱状"),
        "plate": _both("plate|plate-like|platy|tabular", "板状|平板|プレート"),
        "flake": _both("flake|flaky|scale-like|lamellar", "鱗片状|フレーク|薄片|りん片"),
        "cube": _both("cubic|cube|box-shaped|cuboid", "立方体|四角い|キューブ状|さいころ状"),
        "polyhedron": _both("polyhedral|polyhedron|faceted|crystal faces|euhedral",
                            "多面体|ファセット|結晶面が見える|自形"),
        "fragment": _both("fragment|shard|irregular|broken piece|crushed", "破片|欠片|不定形|破砕"),
        "agglomerate": _both("agglomerate|agglomerated|cluster|clumped|aggregate", "凝集|凝集体|塊|クラスター"),
        "raspberry": _both("raspberry-like|satellited|small particles attached|satellites|raspberry",
                           "ラズベリー状|サテライト付き|小粒子付着|サテライト|小粒子が付着"),
        "porous": _both("porous|spongy|full of holes|pores|foam", "多孔質|穴が多い|スポンジ状|細孔|発泡状"),
        "hollow": _both("hollow|broken shell|shell|burst shell", "中空|割れた殻|殻|シェル"),
        "cracked": _both("cracked|cracks|crack|fissured|fractured", "亀裂|ひび割れ|クラック|ひび"),
        "fibre": _both("fibre|fibrous|fiber|thread-like|filament", "繊維状|糸状|ファイバー|繊維"),
        "dendrite": _both("dendritic|dendrite|branched|tree-like|fern-like", "樹枝状|デンドライト|枝分かれ|枝状"),
        # shape in general
        "angular": _both("angular|sharp-edged|sharp edges", "角張った|鋭い角|エッジの立った"),
        "rounded": _both("rounded|smooth-edged", "丸みを帯びた|角が取れた"),
        "elongated": _both("elongated|long and thin|slender", "細長い|伸びた"),
        "flat": _both("flattened|flat|thin", "扁平|つぶれた|薄い"),
        "foam": _both("foamy|open-cell foam|foam", "発泡状|泡状"),
        # surface
        "smooth_surface": _both("smooth surface|even surface", "表面が滑らか|つるつる|平滑"),
        "rough_surface": _both("rough surface|bumpy|uneven surface", "表面が粗い|ざらざら|凹凸"),
        "striped_surface": _both("striated|striped|parallel lines", "筋状|縞模様|すじ"),
        "grained_surface": _both("grainy texture|grain boundaries|cellular surface|crystal grains",
                                 "結晶粒|粒界|セル状組織|網目模様"),
        # framing
        "large_in_frame": _both("fills the frame|large in the frame|close-up",
                                "大きく写っている|画面いっぱい|アップ"),
        "small_in_frame": _both("small in the frame|far away", "小さく写っている|遠景"),
        "several_particles": _both("several particles|neighbours touching|neighbouring particle",
                                   "複数粒子|隣の粒子が写っている|隣の粒子"),
        # brightness
        "bright": _both("bright|bright contrast|heavy material", "明るい|高輝度"),
        "dark": _both("dark|dark contrast|light material", "暗い|低輝度"),
        # defects
        "contour_missing": _both("outer contour missing|cut by the frame|outline leaves the image|contour incomplete",
                                 "外周欠け|外角欠け|輪郭が切れている|外径が四角く見える|外周が欠けている"),
        "blur": _both("blurred|out of focus|defocused|soft focus", "ボケ|ピンボケ|フォーカスが甘い|ぼやけた"),
        "noise": _both("noisy|grainy|heavy noise", "ノイズが多い|ざらつき|ノイズ"),
        "low_contrast": _both("low contrast|washed out|flat contrast", "コントラスト不足|眠い画像|低コントラスト"),
        "charging": _both("charging|charging streaks|charge-up|charging halo", "チャージアップ|帯電|帯電の筋"),
        "saturation": _both("overexposed|clipped|saturated", "白飛び|黒つぶれ|飽和"),
        "drift": _both("drift|image shift|distorted by drift", "ドリフト|像ずれ|像の歪み"),
        "info_bar": _both("info bar|data bar", "情報バー|データバー"),
        "scale_bar_over": _both("scale bar over the particle", "スケールバーがかかっている"),
        # imaging conditions, in slot order
        "view1": _both("secondary electron overview|SE overview|whole particle", "SE 全体像|二次電子像|全体像"),
        "view2": _both("backscattered electron|BSE|material contrast", "反射電子像|BSE|組成像"),
        "view3": _both("tilted|tilted view|tilted stage", "傾斜|傾斜像|斜めから"),
        "view4": _both("high magnification|magnified|close-up", "高倍率|拡大|高倍"),
        "view5": _both("low-kV|low voltage|side detector", "低加速|側方検出器|表面観察"),
        "view6": _both("fast scan|quick scan", "高速スキャン|高速走査"),
    }
)  # fmt: skip

NOUNS: MappingProxyType[str, dict[str, Words]] = MappingProxyType(
    {
        "sphere": _both("spherical particle|round particle|ball-shaped particle|sphere|globular particle",
                        "球状粒子|球状の粒子|球形の粒子|丸い粒子|真球に近い粒子"),
        "rough_sphere": _both("rough sphere|bumpy sphere|rough-surfaced sphere|bumpy round particle|knobbly sphere",
                              "表面が粗い球|ごつごつした球|粗い球状粒子|でこぼこした球状粒子"),
        "needle": _both("needle-like particle|needle-shaped crystal|acicular particle|needle|acicular crystal",
                        "針状粒子|針状の結晶|針のような粒子|針形の粒子"),
        "rod": _both("rod-shaped particle|rod|rod-like particle|columnar particle|columnar crystal",
                     "棒状粒子|柱状の粒子|ロッド状の粒子|棒状の結晶|円柱状の粒子"),
        "plate": _both("plate-like particle|platy particle|tabular crystal|plate|thin plate",
                       "板状粒子|板状の結晶|平板状の粒子|プレート状の粒子"),
        "flake": _both("flake|flaky particle|scale-like particle|lamellar flake|layered flake",
                       "鱗片状の粒子|鱗片状粒子|フレーク状の粒子|薄片|りん片状の粒子"),
        "cube": _both("cubic particle|cube|box-shaped particle|cubic crystal|cuboid particle",
                      "立方体の粒子|四角い粒子|キューブ状の粒子|立方体状の結晶|さいころ状の粒子"),
        "polyhedron": _both("polyhedral particle|faceted particle|faceted crystal|particle with crystal faces|"
                            "euhedral crystal|polyhedron",
                            "多面体の粒子|多面体粒子|ファセットのある粒子|結晶面が見える粒子|自形結晶"),
        "fragment": _both("fragment|shard|irregular particle|irregular fragment|broken piece|crushed particle",
                          "破片|欠片|不定形の粒子|破片状の粒子|破砕粒子"),
        "agglomerate": _both("agglomerate|agglomerated particle|cluster of particles|clumped particles|aggregate",
                             "凝集体|凝集粒子|凝集した粒子|粒子の塊|クラスター状の粒子"),
        "raspberry": _both("raspberry-like particle|satellited particle|particle with satellites|"
                           "particle with small particles attached|raspberry-shaped particle",
                           "ラズベリー状の粒子|サテライト付き粒子|サテライトの付いた粒子|小粒子が付着した粒子"),
        "porous": _both("porous particle|spongy particle|particle full of holes|particle with many pores|foam particle",
                        "多孔質粒子|多孔質の粒子|穴が多い粒子|スポンジ状の粒子|細孔のある粒子|発泡状の粒子"),
        "hollow": _both("hollow particle|broken shell|hollow shell|particle with a burst shell|hollow sphere",
                        "中空粒子|中空の粒子|割れた殻|殻状の粒子|割れた中空シェル"),
        "cracked": _both("cracked particle|particle with cracks|fissured particle|fractured particle|"
                         "particle with a crack",
                         "亀裂のある粒子|亀裂が入った粒子|ひび割れた粒子|クラックのある粒子|ひびの入った粒子"),
        "fibre": _both("fibre|fibrous particle|thread-like particle|filament|fiber",
                       "繊維状の粒子|繊維|糸状の粒子|ファイバー状の粒子"),
        "dendrite": _both("dendritic particle|dendrite|branched particle|tree-like particle|fern-like crystal",
                          "樹枝状の粒子|樹枝状結晶|デンドライト|枝分かれした粒子|枝状の粒子"),
    }
)  # fmt: skip

# What belongs to a shape family: one sentence in English, one in Japanese, true of what is rendered.
DEFINITIONS: MappingProxyType[str, tuple[str, str]] = MappingProxyType(
    {
        "sphere": (
            "Ball without strong relief, at most a tenth longer than wide",
            "大きな凹凸のない球。長短比 1.1 まで",
        ),
        "rough_sphere": ("Ball with strong relief all over", "表面全体に大きな凹凸がある球"),
        "needle": (
            "Straight, at least eight times as long as wide, pointed",
            "まっすぐで長さが幅の 8 倍以上、先が尖る",
        ),
        "rod": ("Straight column, two to five times as long as wide, flat ends", "長さが幅の 2 ～ 5 倍の柱。端は平ら"),
        "plate": ("One thin layer with straight edges", "直線の縁をもつ 1 枚の薄い板"),
        "flake": ("Stack of thin sheets with ragged edges", "縁が不規則な薄片の重なり"),
        "cube": ("Box with nearly equal sides", "各辺がほぼ等しい箱形"),
        "polyhedron": ("Crystal closed by flat faces, not a box", "平らな結晶面で囲まれた形。箱形を除く"),
        "fragment": ("Angular broken piece with fracture faces", "破断面をもつ角張ったかけら"),
        "agglomerate": ("Many grains of similar size stuck together", "同程度の大きさの粒が多数くっついた塊"),
        "raspberry": ("One large ball covered with much smaller ones", "大きな球に小さな球が多数付着"),
        "porous": ("Body with many open pores", "開いた孔が多数ある粒子"),
        "hollow": ("Shell that has burst open on one side", "片側が破れた殻"),
        "cracked": ("Body crossed by cracks, not broken apart", "亀裂が走るが割れていない粒子"),
        "fibre": ("Long thin thread, usually curved", "細長い糸状。多くは曲がっている"),
        "dendrite": ("Trunk with side arms in pairs", "幹から対になった枝が出る形"),
    }
)

# Before the noun ("a smooth particle", 表面が滑らかな粒子).
BEFORE: MappingProxyType[str, dict[str, Words]] = MappingProxyType(
    {
        "smooth_surface": _both("smooth|smooth-surfaced", "表面が滑らかな|つるつるした|平滑な"),
        "rough_surface": _both("rough|bumpy|rough-surfaced", "表面が粗い|ざらざらした|凹凸のある"),
        "striped_surface": _both("striated|striped", "筋状模様のある|縞模様の|すじのある"),
        "grained_surface": _both("grainy|cellular-textured", "結晶粒の見える|粒界の見える|網目模様の"),
        "elongated": _both("elongated|long and thin|slender", "細長い|長く伸びた"),
        "flat": _both("flat|flattened|thin", "扁平な|つぶれた|薄い"),
        "angular": _both("angular|sharp-edged", "角張った|鋭い角を持つ"),
        "rounded": _both("rounded|smooth-edged", "丸みを帯びた|角が取れた"),
        "bright": _both("bright", "明るい"),
        "dark": _both("dark", "暗い"),
    }
)

# After the noun, joined by commas (", out of focus", 、ピンボケ).
AFTER: MappingProxyType[str, dict[str, Words]] = MappingProxyType(
    {
        "smooth_surface": _both("with a smooth surface", "表面は滑らか|表面はつるつる"),
        "rough_surface": _both("with a rough surface|with an uneven surface", "表面はざらざら|表面に凹凸"),
        "striped_surface": _both("with a striated surface|with parallel lines on the surface",
                                 "表面に縞模様|表面は筋状"),
        "grained_surface": _both("with visible grain boundaries|with a cellular surface",
                                 "表面に粒界が見える|表面はセル状組織"),
        "large_in_frame": _both("large in the frame|fills the frame", "大きく写っている|画面いっぱい"),
        "small_in_frame": _both("small in the frame", "小さく写っている"),
        "several_particles": _both("several particles in view|neighbours touching|with a neighbouring particle",
                                   "複数粒子|隣の粒子が写っている"),
        "contour_missing": _both("cut by the frame|outer contour missing|the outline leaves the image",
                                 "外周欠け|輪郭が切れている|外径が四角く見える|外周が欠けている"),
        "blur": _both("blurred|out of focus|defocused", "ピンボケ|ボケている|フォーカスが甘い"),
        "noise": _both("noisy|with heavy noise|grainy image", "ノイズが多い|ざらつきあり"),
        "low_contrast": _both("low contrast|washed out", "コントラスト不足|眠い画像|低コントラスト"),
        "charging": _both("with charging|charging streaks|charge-up visible",
                          "チャージアップあり|帯電している|帯電の筋"),
        "saturation": _both("overexposed|clipped|saturated", "白飛び・黒つぶれあり|飽和している"),
        "drift": _both("drift|distorted by drift|image shift", "ドリフトあり|像ずれ"),
        "scale_bar_over": _both("scale bar over the particle", "スケールバーがかかっている"),
        "view1": _both("SE overview|secondary electron overview", "SE 全体像|二次電子像"),
        "view2": _both("backscattered electron image|BSE|material contrast", "反射電子像|BSE像|組成像"),
        "view3": _both("tilted view|tilted stage", "傾斜像|斜めから観察"),
        "view4": _both("high magnification|magnified", "高倍率|拡大像"),
        "view5": _both("low-kV side detector|low voltage image", "低加速・側方検出器|低加速像"),
        "view6": _both("fast scan|quick scan", "高速スキャン|高速走査"),
    }
)  # fmt: skip
