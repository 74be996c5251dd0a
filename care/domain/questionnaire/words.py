"""Small closed classes of words: yes and no, what may stand around a number, commands inside a conversation.

All in the normalised form (see text.normalised), in English, Mandarin in both scripts, and Cantonese.
"""

from __future__ import annotations

import re


def words_of(table: str) -> frozenset[str]:
    """The entries of a table: one a line, or several on a line between bars."""
    return frozenset(entry.strip() for entry in table.replace("\n", "|").split("|") if entry.strip())


# "ok" and 好 are left out on purpose: asked about a symptom they may as well mean "I am fine" (see yes_no_words).
YES = words_of("""
    y | yes | yes please | yeah | yea | yep | yup | ya | ye | yess | sure | of course | right | correct | true
    definitely
    absolutely | certainly | affirmative | indeed | i do | i have | i am | i did | yes i do | yes i have | yes i am
    yes i did | it is | yes it is | i think so | a bit | a little | yes a bit | yes a little | a little bit | some
    yes some | 👍 | ✅ | ✔ | ☑ | ⭕ | 🙆
    是 | 是的 | 是啊 | 是呀 | 对 | 对的 | 对啊 | 對 | 對的 | 對啊 | 没错 | 沒錯 | 有 | 有的 | 有啊 | 有呀
    有点 | 有點
    有一点 | 有一點 | 有些 | 有一些 | 嗯 | 嗯嗯 | 恩 | 要 | 会 | 會 | 当然 | 當然 | 确实 | 確實 | 的确 | 的確
    系 | 系的 | 係 | 係呀 | 係啊 | 係嘅 | 啱 | 啱呀 | 冇錯 | 有少少 | 有啲 | 有嘅 | 梗係
""")
NO = words_of("""
    n | no | no thanks | no thank you | nope | nah | not | never | none | no i do not | no i don't | i don't
    i do not
    none at all | i dont | no i dont | i haven't | i have not | no i haven't | no i have not | i'm not | i am not
    no i'm not | no i am not | i didn't | i did not | no i didn't | not really | not at all | negative | false
    absolutely not | of course not | definitely not | no way | nothing | 👎 | ❌ | ✖ | ✗ | ✘ | ❎ | 🙅
    否 | 不 | 不是 | 不是的 | 没 | 没有 | 没有的 | 没有啊 | 沒 | 沒有 | 沒有的 | 沒有啊 | 无 | 無 | 不对
    不對 | 不会
    不會 | 不要 | 不行 | 不可以 | 不用 | 没有呢 | 都没有 | 都沒有 | 并没有 | 並沒有 | 完全没有 | 完全沒有 | 当然不
    當然不 | 从来没有 | 從來沒有 | 还没 | 還沒 | 还没有 | 還沒有 | 仲未 | not yet | 冇
    冇呀 | 冇啊 | 冇喎 | 唔 | 唔系 | 唔係 | 唔係呀 | 唔啱 | 唔要 | 唔得 | 唔會
    唔使 | 未 | 未有
""")
# A yes or no that is clear even when a remark follows it after a comma.
YES_FIRST = words_of("yes | yeah | yep | yup | 是 | 是的 | 对 | 對 | 有 | 有的 | 係 | 係呀 | 嗯")
NO_FIRST = words_of("no | nope | nah | 没有 | 沒有 | 不是 | 冇 | 唔係 | 否")

FILLER_EN = words_of("""
    a | about | again | am | an | and | approx | approximately | around | at | currently | exactly | from | get
    good | got | have | hello | hi | i | i'm | im | is | it | it's | its | just | measured | measurement
    morning | my | now | nearly | only | our | ok | okay | please | read | reading | reads | result | roughly
    says | shows | still | tested | the | think | this | today | tonight | was | evening | afternoon | night
    value | level | number | reported | answer | option | tall | heavy | height | weigh | weight | weighed
    temp | temperature | fever
    sugar | glucose | blood | bg | bs | score | noon | midday
""")
FILLER_ZH = re.compile(
    "我的体温|我的體溫|体温|體溫|温度|溫度|血糖值|血糖|体重|體重|今天|今日|今早|今晚|早上|上午|中午|下午|晚上|现在|"
    "現在|"
    "刚刚|剛剛|刚才|剛才|大概|大约|大約|左右|差不多|约|約|测得|測得|测了|測了|量得|量了|測到|测到|显示|顯示|结果|結果|"
    "数值|數值|读数|讀數|目前|仍然|我|的|是|为|為|有|了|吧|啊|呀|呢|哦|喔|啦|喎|係|系|嘅|刚|剛|测|測|量|重|个|個|分|"
    "级|級|选|選|第|次|项|項|题|題|号|號"
)
NEGATIONS = re.compile(
    r"[不没沒无無冇唔非未]|(?<![a-z])(?:no|not|never|without|cannot|"
    r"(?:is|are|was|were|do|does|did|have|has|had|ca|wo|would|could|should|ai)n'?t)(?![a-z])"
)
"""Without its apostrophe too, as it is written on a phone: dont, cant, didnt."""

BACK = words_of("""
    back | go back | previous | undo | change | correction | edit | wrong | fix | 改 | 更改 | 更正
    修改 | 改正
    返回 | 后退 | 後退 | 上一题 | 上一題 | 上一个 | 上一個 | 上一步 | 错了 | 錯了 | 答错了 | 答錯了 | 改一下
    返去 | 退回
""")
SKIP = words_of("""
    skip | pass | next | skip it | 跳过 | 跳過 | 略过 | 略過 | 不想答 | 不想回答 | 下一题 | 下一題 | 唔答
    唔想答 | 跳
""")
BEGIN = words_of("""
    1 | a | ok | okay | yes | y | yeah | yep | sure | ready | start | begin | go | let's go | now | continue
    resume
    好 | 好的 | 好啊 | 好呀 | 是 | 是的 | 行 | 可以 | 准备好了 | 準備好了 | 开始 | 開始 | 继续 | 繼續 | 嗯 | 係 | 得
    👍 | 👌 | ✅
""")
COURTESY = words_of("""
    thanks | thank you | thx | ty | thank you very much | many thanks | thanks a lot | ok thanks
    ok thank you | ok | okay
    got it | great | 谢谢 | 謝謝 | 谢谢你 | 謝謝你 | 谢谢您 | 謝謝您 | 多谢 | 多謝 | 唔该 | 唔該 | 好的谢谢
    好的謝謝
    好 | 好的 | 好嘅 | 收到 | 知道了 | 明白 | 明白了 | 嗯 | 👍 | 👌 | 🙏 | ❤ | 😊
""")

# "no pain" and 不痛 deny the symptom; "not severe" does not, so only the symptoms themselves stand here.
SYMPTOM_WORDS = words_of("""
    pain | nausea | vomiting | diarrhoea | diarrhea | tired | tiredness | breathless | breathlessness
    swelling | swollen
    痛 | 疼 | 疼痛 | 恶心 | 噁心 | 呕吐 | 嘔吐 | 吐 | 腹泻 | 腹瀉 | 拉肚子 | 肚瀉 | 累 | 疲劳 | 疲勞 | 疲倦
    攰 | 喘
    气喘 | 氣喘 | 气短 | 氣短 | 气促 | 氣促 | 肿 | 腫 | 水肿 | 水腫
""")
