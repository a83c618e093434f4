"""Phrasings that no training text holds: what a person might type who never saw the vocabulary."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

# Chosen before the training; a test keeps them out of its texts. Their parts may be known, the whole is not.
HELD_OUT: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = MappingProxyType(
    {
        "sphere": {"en": ("looks like a ball", "round ball"), "ja": ("ボールみたいな形", "玉のような粒")},
        "needle": {"en": ("thin as a needle", "shaped like a pin"), "ja": ("針みたいな", "尖った細い粒")},
        "rod": {"en": ("in the shape of a rod", "little sticks"), "ja": ("棒みたいな形", "柱のような粒子")},
        "plate": {"en": ("thin sheet of crystal", "like a slab"), "ja": ("板みたいな", "薄い板の形")},
        "flake": {"en": ("like fish scales", "peeled flakes"), "ja": ("うろこのような", "剥がれた層状の薄片")},
        "cube": {"en": ("like dice", "square block"), "ja": ("さいころのような形", "四角い箱型")},
        "polyhedron": {"en": ("crystal with flat facets",), "ja": ("平らな面で囲まれた結晶", "面の多い結晶")},
        "fragment": {"en": ("broken into pieces", "irregular chip"), "ja": ("砕けたかけら", "割れた不規則な粒")},
        "agglomerate": {
            "en": ("many grains stuck together", "lump of grains"),
            "ja": ("粒が集まった塊", "粒のかたまり"),
        },
        "raspberry": {
            "en": ("small balls attached to a big one",),
            "ja": ("小さい粒が付いている", "サテライトが付着した"),
        },
        "porous": {"en": ("riddled with holes", "looks like a sponge"), "ja": ("穴だらけ", "穴がたくさんある")},
        "hollow": {"en": ("empty inside", "open broken shell"), "ja": ("中が空っぽ", "割れて中空の")},
        "cracked": {"en": ("split by a crack", "has cracks in it"), "ja": ("ひびが入っている", "表面に亀裂が走る")},
        "fibre": {"en": ("like a thread", "long thin hair"), "ja": ("糸みたいな", "髪の毛のように細い")},
        "dendrite": {
            "en": ("branches like a tree", "with many branches"),
            "ja": ("木の枝のような", "枝分かれしている"),
        },
        "elongated": {"en": ("much longer than wide", "long and narrow"), "ja": ("長細い", "縦に長い")},
        "smooth_surface": {"en": ("smooth polished skin",), "ja": ("なめらかな表面", "つるつるした面")},
        "rough_surface": {"en": ("rugged coarse skin",), "ja": ("ざらざらした面", "表面が荒れている")},
        "striped_surface": {"en": ("lines across the surface",), "ja": ("線の入った表面", "縞々")},
        "grained_surface": {"en": ("network of grain boundaries",), "ja": ("結晶粒の模様", "網目の模様")},
        "several_particles": {"en": ("more than one particle",), "ja": ("粒子がたくさん写っている",)},
        "contour_missing": {
            "en": ("particle runs out of the image",),
            "ja": ("端が切れている", "画面からはみ出た粒子"),
        },
        "low_contrast": {"en": ("contrast is too weak",), "ja": ("コントラストが弱い",)},
        "charging": {"en": ("charged up",), "ja": ("帯電して光っている",)},
    }
)
