"""The world's words in both languages: one table a kind, English key to (English ways, Chinese ways)."""

from __future__ import annotations

Ways = tuple[tuple[str, ...], tuple[str, ...]]

SUBJECT_WORDS: dict[str, Ways] = {
    "cat": (("cat", "kitten", "kitty"), ("猫", "小猫", "猫咪")),
    "dog": (("dog", "puppy"), ("狗", "小狗")),
    "rabbit": (("rabbit", "bunny"), ("兔子", "小兔子", "兔")),
    "bird": (("bird",), ("鸟", "小鸟")),
    "fish": (("fish",), ("鱼", "小鱼")),
    "dragon": (("dragon",), ("龙", "小龙")),
    "squirrel": (("squirrel",), ("松鼠", "小松鼠")),
    "butterfly": (("butterfly",), ("蝴蝶",)),
    "girl": (("girl",), ("女孩", "小女孩")),
    "boy": (("boy",), ("男孩", "小男孩")),
    "tree": (("tree",), ("树", "大树")),
    "flower": (("flower",), ("花", "花朵")),
    "mushroom": (("mushroom",), ("蘑菇",)),
    "mountain": (("mountain",), ("山", "高山")),
    "sun": (("sun",), ("太阳",)),
    "moon": (("moon",), ("月亮",)),
    "star": (("star",), ("星星",)),
    "heart": (("heart",), ("爱心", "心")),
    "apple": (("apple",), ("苹果",)),
    "house": (("house", "cottage"), ("房子", "小屋")),
    "castle": (("castle",), ("城堡",)),
    "boat": (("boat", "sailboat"), ("船", "帆船", "小船")),
    "car": (("car",), ("汽车", "小汽车", "车")),
}
PLURALS = {
    "kitty": "kitties", "puppy": "puppies", "bunny": "bunnies", "fish": "fish", "butterfly": "butterflies",
}
MEASURES = {
    "cat": "只", "dog": "只", "rabbit": "只", "bird": "只", "fish": "条", "dragon": "条", "squirrel": "只",
    "butterfly": "只", "girl": "个", "boy": "个", "tree": "棵", "flower": "朵", "mushroom": "个", "mountain": "座",
    "sun": "个", "moon": "个", "star": "颗", "heart": "颗", "apple": "个", "house": "座", "castle": "座",
    "boat": "艘", "car": "辆",
}
# Colours that go without saying.
NATURAL: dict[str, tuple[str, ...]] = {
    "cat": ("orange", "white", "black"), "dog": ("brown", "white"), "rabbit": ("white",), "bird": ("blue", "red"),
    "fish": ("orange",), "dragon": ("green", "red"), "squirrel": ("brown", "orange"), "butterfly": ("blue", "orange"),
    "girl": ("red", "pink", "yellow"), "boy": ("blue", "green"), "tree": ("green",), "flower": ("red", "pink"),
    "mushroom": ("red",), "mountain": ("blue", "green"), "sun": ("yellow", "orange"), "moon": ("yellow",),
    "star": ("yellow",), "heart": ("red", "pink"), "apple": ("red", "green"), "house": ("white", "orange"),
    "castle": ("white", "pink"), "boat": ("red", "blue"), "car": ("red", "yellow"),
}
COLOUR_WORDS: dict[str, Ways] = {
    "red": (("red",), ("红色", "红")), "orange": (("orange",), ("橙色", "橘色")),
    "yellow": (("yellow",), ("黄色", "黄")), "green": (("green",), ("绿色", "绿")),
    "blue": (("blue",), ("蓝色", "蓝")), "purple": (("purple",), ("紫色", "紫")),
    "pink": (("pink",), ("粉色", "粉红色")), "brown": (("brown",), ("棕色", "褐色")),
    "black": (("black",), ("黑色", "黑")), "white": (("white",), ("白色", "白")),
}
BACKGROUND_WORDS: dict[str, Ways] = {
    "plain": (("plain background", "simple background"), ("纯色背景", "简单背景")),
    "gradient": (("gradient background",), ("渐变背景",)),
    "meadow": (("meadow", "grass", "grassland"), ("草地", "草原")),
    "sea": (("sea", "ocean"), ("大海", "海", "海洋")),
    "night sky": (("night sky", "starry sky"), ("夜空", "星空")),
    "snow": (("snow", "snowy field"), ("雪地", "雪")),
    "city": (("city", "street"), ("城市", "街道")),
    "forest": (("forest", "woods"), ("森林", "树林")),
}
# How a sentence places something there.
WHERE: dict[str, Ways] = {
    "plain": (("on a plain background", "with a simple background"), ("纯色背景",)),
    "gradient": (("on a gradient background",), ("渐变背景",)),
    "meadow": (("in a meadow", "on the grass", "in the grassland"), ("在草地上", "在草原上")),
    "sea": (("by the sea", "at the sea", "in the ocean", "on the sea"), ("在大海上", "在海边", "在海上")),
    "night sky": (("under the night sky", "in the night sky", "under a starry sky"), ("在夜空下", "在星空下")),
    "snow": (("in the snow", "on a snowy field"), ("在雪地里", "在雪地上")),
    "city": (("in the city", "on a street"), ("在城市里", "在街道上")),
    "forest": (("in the forest", "in the woods"), ("在森林里", "在树林里")),
}
LIGHT_WORDS: dict[str, Ways] = {
    "day": (("day", "daylight"), ("白天",)),
    "sunset": (("sunset", "at sunset", "dusk"), ("日落", "黄昏", "夕阳")),
    "night": (("night", "at night"), ("夜晚", "夜里")),
    "soft light": (("soft light", "soft lighting"), ("柔光", "柔和的光")),
}
STYLE_WORDS: dict[str, Ways] = {
    "flat": (("flat", "flat illustration", "picture book", "cartoon"), ("扁平插画", "绘本", "卡通", "扁平")),
    "ink drawing": (("ink drawing", "line art", "ink"), ("水墨画", "线稿", "墨线画")),
    "watercolour": (("watercolor", "watercolour", "watercolor painting"), ("水彩", "水彩画")),
    "pixel art": (("pixel art", "pixel"), ("像素画", "像素风", "像素")),
    "neon": (("neon", "neon glow", "neon style"), ("霓虹", "霓虹灯")),
    "paper cut": (("paper cut", "papercut", "paper art"), ("剪纸", "纸艺")),
}
POSE_WORDS: dict[str, Ways] = {
    "standing": (("standing",), ("站着", "站立")), "waving": (("waving", "waving a hand"), ("挥手", "招手")),
    "running": (("running",), ("奔跑", "跑步")), "jumping": (("jumping",), ("跳跃", "跳起来")),
    "sitting": (("sitting",), ("坐着", "坐")),
}
EXPRESSION_WORDS: dict[str, Ways] = {
    "smiling": (("smiling", "smile", "happy"), ("微笑", "开心", "笑")), "sad": (("sad",), ("难过", "伤心")),
    "surprised": (("surprised",), ("惊讶",)), "sleeping": (("sleeping", "closed eyes"), ("睡觉", "闭眼")),
}
DETAIL_WORDS: dict[str, Ways] = {
    "hat": (("hat", "wearing a hat", "with a hat"), ("帽子", "戴着帽子", "戴帽子")),
    "scarf": (("scarf", "wearing a scarf", "with a scarf"), ("围巾", "戴着围巾", "系着围巾")),
    "glasses": (("sunglasses", "wearing sunglasses", "with glasses"), ("墨镜", "戴着墨镜", "戴眼镜")),
    "bow": (("bow", "with a bow", "wearing a bow"), ("蝴蝶结", "戴着蝴蝶结")),
    "flower": (("flower in hair", "with a flower in the hair"), ("头上有花", "头发上有花")),
    "stripes": (("stripes", "striped", "with stripes"), ("条纹", "有条纹")),
    "dots": (("dots", "polka dots", "with dots"), ("圆点", "波点", "有圆点")),
    "guitar": (("guitar", "playing a guitar", "with a guitar"), ("吉他", "弹吉他", "拿着吉他")),
}
DEFECT_WORDS: dict[str, Ways] = {
    "blurry": (("blurry", "blur", "out of focus"), ("模糊", "失焦")),
    "low quality": (("low quality", "worst quality", "bad quality", "jpeg artifacts"), ("低质量", "最差质量", "劣质")),
    "lowres": (("lowres", "low resolution", "pixelated"), ("低分辨率", "低清")),
    "low contrast": (("low contrast", "washed out"), ("低对比度", "灰蒙蒙")),
    "black and white": (("black and white", "monochrome", "grayscale"), ("黑白", "单色", "灰度")),
    "cropped": (("cropped", "out of frame"), ("裁切", "出框", "裁剪")),
    "deformed": (("deformed", "distorted", "bad anatomy"), ("变形", "畸形", "扭曲")),
    "disfigured": (("disfigured", "mutated", "ugly"), ("毁容", "丑陋")),
    "text": (("text", "watermark", "signature", "letters"), ("文字", "水印", "签名")),
}
RELATION_WORDS: dict[str, Ways] = {
    "left": (("to the left of", "left of", "on the left of"), ("左边", "左侧")),
    "right": (("to the right of", "right of", "on the right of"), ("右边", "右侧")),
    "above": (("above", "over", "on top of"), ("上面", "上方")),
    "below": (("below", "under", "beneath"), ("下面", "下方")),
}
COUNT_WORDS: dict[int, Ways] = {1: (("one",), ("一",)), 2: (("two",), ("两",)), 3: (("three",), ("三",))}
QUALITY: Ways = (
    ("best quality", "masterpiece", "high quality", "highly detailed", "sharp focus", "beautiful", "cute", "lovely",
     "high resolution", "colorful", "detailed", "8k", "4k", "illustration", "charming", "adorable"),
    ("最佳质量", "杰作", "高质量", "高清", "精致", "细节丰富", "可爱", "美丽", "漂亮", "插画", "色彩鲜艳", "清晰"),
)
OPENINGS: Ways = (
    ("a picture of", "a beautiful picture of", "a photo of", "an image of", "a drawing of", "an illustration of",
     "a cute drawing of", "a lovely picture of", "a painting of", "there is", "please draw", "i want", "draw me"),
    ("一张图片", "画一张", "一幅画", "一张照片", "请画", "画面中有", "一幅美丽的画", "图中是", "我想要"),
)
EXTRA: Ways = (
    ("a", "an", "the", "and", "with", "in", "on", "at", "of", "to", "is", "are", "by", "wearing", "dress", "shirt",
     "background", "style", "little", "small", "big", "large", "very", "warm", "bright", "dark", "light", "color",
     "colored", "sky", "blue sky", "field", "both", "beside", "next to", "side", "top", "hand", "hair", "face", "eyes",
     "1girl", "1boy", "2girls", "2boys", "solo", "bad hands", "extra fingers", "bad", "low", "high", "quality",
     "sunny", "morning", "evening", "white clouds", "it", "its", "his", "her", "front", "view", "close up", "portrait",
     "no", "not", "some", "many", "few", "scene", "art", "painting", "drawing", "photo", "picture", "image",
     "s", "ing", "ed", "y", "es", "er", "ly"),
    ("的", "在", "和", "与", "有", "着", "了", "上", "下", "里", "中", "旁边", "一只", "一个", "一条", "一棵", "一朵",
     "一座", "一颗", "一艘", "一辆", "两只", "两个", "两条", "两棵", "两朵", "两座", "两颗", "两艘", "两辆", "三只",
     "三个", "三条", "三棵", "三朵", "三座", "三颗", "三艘", "三辆", "穿着", "穿", "裙子", "衣服", "上衣", "背景",
     "风格", "是", "小", "大", "天空", "蓝天", "白云", "阳光", "戴着", "拿着", "坐在", "站在", "跑", "跳", "画", "图",
     "照片", "图片", "非常", "很", "美丽的", "可爱的", "漂亮的", "光", "光线", "颜色", "手", "头发", "脸", "眼睛",
     "左", "右", "前", "后", "它", "他", "她", "我", "你", "请", "一张", "一幅", "最", "高", "低", "不", "没有", "写实",
     "温暖", "明亮", "清晨", "早上", "晚上", "特写", "幻想"),
)
TABLES: tuple[dict[str, Ways], ...] = (
    SUBJECT_WORDS, COLOUR_WORDS, BACKGROUND_WORDS, WHERE, LIGHT_WORDS, STYLE_WORDS, POSE_WORDS, EXPRESSION_WORDS,
    DETAIL_WORDS, DEFECT_WORDS, RELATION_WORDS,
)


# Pieces of Chinese phrases that appear in no other table.
PIECES = ("画面", "图中", "头上", "头发上", "戴", "系着", "弹", "拿", "眼镜", "波点", "里面", "地上", "空下", "海边",
          "街道上", "想要", "站", "坐", "躺", "走", "飞", "里的", "上的", "只", "两", "三")
WHOLE_TABLES: tuple[dict[str, Ways], ...] = (
    SUBJECT_WORDS, COLOUR_WORDS, BACKGROUND_WORDS, LIGHT_WORDS, STYLE_WORDS, POSE_WORDS, EXPRESSION_WORDS,
    DEFECT_WORDS, RELATION_WORDS,
)


def all_words() -> tuple[set[str], set[str]]:
    """Every English word and every Chinese word the captions can hold."""
    ways = [w for table in TABLES for w in table.values()]
    ways += [*COUNT_WORDS.values(), QUALITY, OPENINGS, EXTRA]
    english = {word for way in ways for phrase in way[0] for word in phrase.replace("1", "").split()}
    english |= {plural(word) for way in SUBJECT_WORDS.values() for word in way[0]}
    whole = [w for table in WHOLE_TABLES for w in table.values()] + [*COUNT_WORDS.values(), QUALITY, EXTRA]
    chinese = {phrase for way in whole for phrase in way[1] if len(phrase) < 2 or not phrase.endswith("的")}
    chinese |= {way[1][0] for way in DETAIL_WORDS.values()} - {"头上有花"}
    return english, chinese | set(MEASURES.values()) | set(PIECES)


def plural(word: str) -> str:
    """More than one of it, in English."""
    return PLURALS.get(word, word + "s")


def meanings() -> list[list[str]]:
    """Words of both languages that mean the same, the plainest English one first where there is one word for it."""
    out = [[key, *(w for w in en if " " not in w), *zh] for t in (*WHOLE_TABLES, DETAIL_WORDS) for key, (en, zh) in t.items()]
    names = [[en[0], *map(plural, en), *zh] for en, zh in SUBJECT_WORDS.values()]
    counts = [
        [en[0], *zh, *(zh[0] + measure for measure in sorted(set(MEASURES.values())))]
        for en, zh in COUNT_WORDS.values()
    ]
    return names + out + counts
