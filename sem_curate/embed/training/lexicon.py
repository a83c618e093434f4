"""More words for the concepts of the renderer than its captions use: training reads them, benchmarks do not ask them.

A network that is trained from scratch knows no word that it never met. ``OPPOSITES`` say that a fault is absent, so
that "in focus" means something; their truth is the negation of the code after ``no_``.
"""

from __future__ import annotations

from types import MappingProxyType

from sem_curate.rendering.vocabulary import CONCEPTS, Words


def _both(en: str, ja: str) -> dict[str, Words]:
    return {"en": tuple(en.split("|")), "ja": tuple(ja.split("|"))}


MORE: MappingProxyType[str, dict[str, Words]] = MappingProxyType(
    {
        "sphere": _both(
            "ball|balls|ball-like|bead|bead-like|pellet|perfectly round|circular|orb|microsphere|globule|"
            "smooth sphere|spheroidal|atomized powder",
            "球|球体|玉|玉状|ボール状|ボールのような|丸|まん丸|丸っこい|ビーズ状|円形|球粒|スフェア|完全な球",
        ),
        "rough_sphere": _both(
            "lumpy sphere|lumpy ball|knobby ball|warty sphere|golf ball|nodular|cauliflower-like",
            "いびつな球|ぼこぼこした球|粗い玉|カリフラワー状|凹凸のある球|ごつごつした丸い粒|団子状",
        ),
        "needle": _both(
            "needles|spike|spiky|spine|pin|pin-like|whisker|whiskers|pointed|sharp needle|needle crystal|like a needle",
            "針|ニードル|尖った針|ウィスカー|針結晶|とがった|ピン状|とげ状|針に似た|髭状",
        ),
        "rod": _both(
            "rods|stick|stick-shaped|bar|bar-shaped|cylinder|cylindrical|pillar|prismatic|like a rod|baton",
            "棒|円柱|丸棒|柱|角柱|シリンダー状|棒のような|円筒|円筒状|スティック状|プリズム状|棒形",
        ),
        "plate": _both(
            "plates|sheet|sheet-like|slab|board-like|tablet|platelet|platelets|panel|like a plate|disc",
            "板|平たい板|板形|薄板|シート状|平らな板|パネル状|タブレット状|板っぽい|円板|盤状|プレートレット",
        ),
        "flake": _both(
            "flakes|scale|scales|scaly|leaf-like|layered sheets|mica-like|foliated|delaminated|fish scale|"
            "graphite-like",
            "鱗片|うろこ状|ウロコ|うろこ|雲母状|剥片|葉片状|層状|フレーク状|剥がれた薄片|黒鉛状",
        ),
        "cube": _both(
            "cubes|box|boxy|dice|die-shaped|block|blocky|square|brick|hexahedral|like a cube|salt crystal",
            "四角|正方形|箱|箱形|箱状|さいころ|サイコロ|ブロック状|直方体|六面体|キューブ|角ばった箱|食塩のような",
        ),
        "polyhedron": _both(
            "polyhedra|facets|facetted|crystal|crystalline|flat faces|gem-like|well-formed crystal|octahedral|"
            "cut gem|idiomorphic",
            "結晶|結晶面|平らな面|面がある|八面体|多角形|宝石のような|結晶性|ファセット状|角面|晶癖",
        ),
        "fragment": _both(
            "fragments|shards|debris-like|chip|chips|splinter|broken|jagged|ground|milled|rubble|"
            "irregularly shaped|gravel",
            "かけら|カケラ|割れた|砕けた|粉砕|粉砕品|いびつ|不規則|不規則な形|破断片|砕石状|ギザギザ|異形",
        ),
        "agglomerate": _both(
            "agglomerates|clusters|aggregated|lump|lumps|clump|bunch of grains|stuck together|grape-like|"
            "flocculated|pile of grains|sintered together",
            "凝集物|かたまり|団粒|粒の集まり|集合体|くっついた粒|ぶどう状|二次粒子|固まった|集まり|寄り集まった",
        ),
        "raspberry": _both(
            "satellite particles|with satellites|decorated with small particles|small spheres attached|"
            "adhering fines|blackberry|core with fines|fine particles on the surface",
            "衛星粒子|サテライト粒子|微粒子付着|小さい粒が付着|微粉付着|小球付着|木苺状|細かい粒が付いた|付着物",
        ),
        "porous": _both(
            "porosity|pore|holes|holey|sponge|sponge-like|honeycomb|swiss cheese|perforated|pitted|pumice|"
            "pumice-like|cavities|voids|riddled",
            "穴|孔|孔だらけ|穴あき|海綿状|ハニカム|蜂の巣状|スポンジ|軽石状|空隙|空孔|ボイド|気孔|ポーラス|細かい穴",
        ),
        "hollow": _both(
            "hollow inside|empty|empty shell|eggshell|cavity inside|bubble-like|cenosphere|capsule|burst open|"
            "open shell|broken hollow sphere",
            "空洞|中空球|殻状|空っぽ|卵の殻|カプセル|破れた殻|内部が空洞|中が見える|シェル状|割れて中が見える",
        ),
        "cracked": _both(
            "split|splits|fissure|fissures|fracture|broken open|crevice|crazed|cracking|crack lines|rift",
            "割れ目|裂け目|ヒビ|割れ|裂けた|破断|亀裂入り|ひび入り|クラック入り|き裂|割れている",
        ),
        "fibre": _both(
            "fibres|fibers|thread|threads|filamentous|hair|hair-like|wire|wire-like|string|strand|like a hair|"
            "worm-like",
            "糸|ひも状|紐|髪の毛|毛のような|ワイヤー|線状|フィラメント|ファイバ|繊維っぽい|ひも|細い糸",
        ),
        "dendrite": _both(
            "dendrites|branches|branching|tree|fern|snowflake|arborescent|feathery|twig|coral-like",
            "枝|木の枝|樹状|シダ状|雪の結晶|羽毛状|分岐|分岐した|枝が伸びた|樹木状|サンゴ状|樹枝",
        ),
        "angular": _both(
            "corners|sharp corners|edgy|with edges|pointed corners",
            "角|角がある|角ばった|エッジ|尖った角",
        ),
        "rounded": _both(
            "roundish|curved outline|no corners visible|rounded off|blunt",
            "丸み|丸まった|角のない|曲面|丸みのある",
        ),
        "elongated": _both(
            "long|thin and long|high aspect ratio|stretched|oblong|lengthy|narrow",
            "長い|細く長い|アスペクト比が高い|縦長|長尺|細い|引き伸ばされた",
        ),
        "flat": _both(
            "flat-shaped|thin and flat|planar|pancake|sheet-shaped",
            "平たい|平べったい|平ら|薄く平ら|偏平|平面状",
        ),
        "foam": _both(
            "foamed|bubbles|froth|open cells|many large pores",
            "泡|発泡|泡だらけ|気泡|フォーム状|オープンセル",
        ),
        "smooth_surface": _both(
            "smooth|sleek|polished|glossy|clean smooth skin|featureless surface|no texture",
            "滑らか|なめらか|すべすべ|つるっとした|凹凸のない|きめ細かい表面|平滑面",
        ),
        "rough_surface": _both(
            "rough|roughness|coarse surface|rugged|rough texture|gritty|craggy",
            "粗い|粗面|荒れた表面|ざらついた表面|ごわごわ|がさがさ|でこぼこした表面|荒い",
        ),
        "striped_surface": _both(
            "stripes|striations|lines|lined surface|grooves|grooved|ridges|banded|ribbed",
            "縞|線|線状の模様|溝|しま模様|スジ模様|条線|平行線|筋|畝",
        ),
        "grained_surface": _both(
            "grains|grain structure|cells|cell pattern|mosaic|network pattern|polycrystalline|reticulated",
            "粒状組織|結晶粒界|セル構造|網目|モザイク状|多結晶|ネットワーク模様|粒々の表面",
        ),
        "large_in_frame": _both(
            "large|big in the image|occupies the frame|filling the view|zoomed in",
            "大きい|大写し|画面を占める|画面に大きく|視野いっぱい",
        ),
        "small_in_frame": _both(
            "small|tiny|little|tiny particle|far off|occupies little of the frame",
            "小さい|小さな粒子|小さめ|遠くに写る|画面の中で小さい|ちいさい",
        ),
        "several_particles": _both(
            "multiple particles|two particles|other particles|crowded|neighbours|adjacent particles|"
            "surrounded by particles|many particles",
            "複数|複数の粒子|周りに粒子|隣接粒子|他の粒子|混み合った|粒子が多い|隣に粒子|2個の粒子",
        ),
        "bright": _both(
            "brighter|light grey|white|luminous|high brightness",
            "明るめ|白い|白っぽい|輝いた|高い輝度|重い元素",
        ),
        "dark": _both(
            "darker|black|dim|dark grey|low brightness",
            "暗め|黒い|黒っぽい|低い輝度|軽い元素",
        ),
        "contour_missing": _both(
            "cropped|cut off|truncated|incomplete outline|touches the border|edge cut|partly outside|beyond the frame",
            "切れている|見切れ|見切れている|はみ出し|はみ出している|画面外|輪郭が欠けている|途中で切れた|"
            "全体が写っていない",
        ),
        "blur": _both(
            "blurry|unsharp|fuzzy|not sharp|poor focus|bad focus|focus missed|hazy|smeared",
            "ぼけ|ボケている|ぼけた|焦点ずれ|焦点が甘い|フォーカスずれ|不鮮明|シャープでない|ピント不良|"
            "ピントが甘い|にじんだ",
        ),
        "noise": _both(
            "noise|much noise|grain in the image|speckle|snowy|noisy image|poor signal",
            "ノイズ|ノイジー|雑音|ざらざらの画像|ザラザラした画像|砂嵐|粗い画質|S/Nが悪い|ノイズがひどい",
        ),
        "low_contrast": _both(
            "weak contrast image|poor contrast|faint|pale|dull|grey and flat|little contrast|hardly visible",
            "コントラストが低い|コントラスト不良|ぼんやり|薄い画像|メリハリがない|淡い|見えにくい|白黒の差が小さい",
        ),
        "charging": _both(
            "charged|charge|charging artefact|charging artifact|bright streaks|glow|glowing halo|electrostatic",
            "帯電している|帯電あり|帯電障害|チャージ|チャージング|白い筋|光っている|ハロー|帯電による白い線",
        ),
        "saturation": _both(
            "overexposure|blown out|too bright|burnt out|clipping|black crush|too dark|saturated pixels",
            "露出過多|白つぶれ|飽和|サチュレーション|明るすぎる|暗すぎる|階調がない|真っ白|真っ黒|つぶれた階調",
        ),
        "drift": _both(
            "drifted|drifting|shifted lines|distorted|distortion|wavy|sheared|image distortion|warped",
            "ずれ|像が流れた|流れている|歪み|歪んでいる|ゆがみ|走査線のずれ|像が歪んでいる|うねり",
        ),
        "scale_bar_over": _both(
            "scale bar on the particle|overlapping scale bar|scale bar covers the particle",
            "スケールバー|スケールバーが重なる|粒子の上にスケールバー|バーが重なっている",
        ),
        "view1": _both(
            "SE image|overview image|standard view",
            "SE像|SE画像|全体写真|標準像",
        ),
        "view2": _both(
            "BSE image|backscatter|compositional contrast|Z contrast",
            "BSE画像|反射電子|組成コントラスト",
        ),
        "view3": _both(
            "tilt|oblique view|from the side|inclined",
            "斜め|傾けた|斜め像|横から|チルト",
        ),
        "view4": _both(
            "high mag|zoom|enlarged|detail view|surface detail",
            "拡大図|ズーム|クローズアップ|高倍像|表面の拡大",
        ),
        "view5": _both(
            "low kV|low-voltage|side-lit|surface image",
            "低電圧|低kV|側方|影のある像",
        ),
        "view6": _both(
            "fast scanning|rapid scan|quick look",
            "高速|速い走査|クイックスキャン",
        ),
    }
)

OPPOSITES: MappingProxyType[str, dict[str, Words]] = MappingProxyType(
    {
        "no_blur": _both(
            "sharp|in focus|in focus image|crisp|crisp edges|well focused|sharp image|good focus",
            "ピントが合っている|鮮明|鮮明な画像|くっきり|くっきりした粒子|焦点が合った|シャープ|シャープな画像",
        ),
        "no_noise": _both(
            "clean image|noise-free|noise-free image|low noise|even background|little noise",
            "ノイズが少ない|きれいな画像|ノイズのない粒子|低ノイズ|滑らかな背景|ノイズなし",
        ),
        "no_low_contrast": _both(
            "high contrast|strong contrast|strong contrast image|clear contrast|good contrast",
            "コントラストが高い|高コントラスト|明暗のはっきりした画像|高コントラストの粒子|メリハリのある",
        ),
        "no_charging": _both(
            "uncharged|image without artefacts|no artefacts|image without charging",
            "帯電なし|帯電していない|チャージアップのない粒子|帯電のない画像",
        ),
        "no_saturation": _both(
            "well exposed|full range of greys|balanced brightness|good exposure",
            "適正露出|階調が豊かな画像|明るさが適切な粒子|露出が適切",
        ),
        "no_several_particles": _both(
            "single particle|one isolated particle|a lone particle|alone|isolated|one particle",
            "単独の粒子|一つだけの粒子|孤立した粒子|単独|孤立|一粒|粒子が一つ",
        ),
        "no_contour_missing": _both(
            "whole particle visible|complete outline|entire particle|fully in the frame",
            "輪郭が全部見える|全体が写っている|外周が揃っている|完全な輪郭",
        ),
        "no_drift": _both(
            "undistorted|stable image|straight scan lines",
            "歪みのない|安定した画像|ずれのない",
        ),
    }
)


def words(code: str, language: str) -> Words:
    """Return every bare word for a concept or an opposite."""
    if code in OPPOSITES:
        return OPPOSITES[code][language]
    return CONCEPTS[code][language] + MORE.get(code, {}).get(language, ())
