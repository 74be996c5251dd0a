"""The words of agreement, and those of a short statement that says yes or no, in the normalised form."""

from __future__ import annotations

import re

from care.domain.questionnaire.words import words_of

# Agreement and refusal: yes and no to what is proposed or asked to be confirmed, nothing to a question about health.
AGREED = words_of("""
    ok | okay | k | okey | ok ok | it's ok | it is ok | that's ok | that's fine | that is fine | fine
    fine by me | great | perfect | sounds good | good | very good | all right | alright | roger | roger that
    copy that | got it | deal | 10-4 | go ahead | please do | do it | let's do it | let's do that
    please let's do it | can we please | why not | no problem | sure thing | with pleasure | happy to
    of course | facts | 👌 | 👌 ok | 👌 it's ok | 🆗 | 🙏 | 好 | 好的 | 好啊 | 好呀 | 好吧 | 好嘅 | 好滴 | 好呢
    可以 | 可以的 | 可以呀 | 可以啊 | 行 | 行的 | 行啊 | 成 | 中 | 得 | 得嘅 | 没问题 | 沒問題 | 冇問題 | 冇问题
    同意 | 我同意 | 愿意 | 願意 | 我愿意 | 我願意 | 答应 | 答應 | 接受 | 肯定 | 赞成 | 贊成 | 当然可以
    當然可以 | 👌 可以 | 👌 好 | 👌 好的 | 👍 好的 | 好 可以
""")
REFUSED = words_of("""
    not happening | no deal | i'll pass | ill pass | i pass | pass | no good | no thank you | i refuse | refused
    rather not | i'd rather not | i would rather not | not now | 不好 | 不中 | 不成 | 不同意 | 我不同意 | 不愿意
    不願意 | 我不愿意 | 我不願意 | 拒绝 | 拒絕 | 否定 | 反对 | 反對 | 唔好 | 唔可以 | 唔同意 | 唔願意 | 唔想
    不想 | 算了 | 免了 | 没门 | 沒門 | 没兴趣 | 沒興趣
""")
CONSENT = re.compile(
    r"agree|consent|allow|accept|confirm|correct\b|right\?|may we|can we|shall we|would you like|do you want|willing|"
    r"ready"
    r"|is this|is that|okay|\bok\b|同意|愿意|願意|确认|確認|可以|可否|能否|是否要|要不要|方便|允许|允許|接受|准备好|"
    r"準備好|正确|正確|对吗|對嗎|好吗|好嗎"
)
"""What makes a question one that "ok" answers."""

FELT = re.compile(
    r"(?<![a-z])(?:a little|a bit|slight\w*|mild\w*|severe\w*|terribl\w*|worse|hurts?|pain\w*|pressure|tight\w*|"
    r"started|sometimes|often|always|every|just)(?![a-z])|[0-9]|"
    r"有点|有點|有一点|有一點|有些|有啲|有少少|一点|一點|偶尔|偶爾|有时|有時|才|痛|疼|闷|悶"
)
"""What after a no says that there is something after all: "no, a little", 没有，有点痛."""
GONE = re.compile(r"(?<![a-z])(?:gone|stopped|none|nothing)(?![a-z])|好了|消失")
"""What after a yes says that there is nothing any more."""

# The words of a short statement: what says yes, what says no, what turns the next one round, what says neither.
SAYS_YES = words_of("""
    yes | yeah | yep | yup | yea | yah | aye | true | right | correct | accurate | affirmative | agreed | agree
    confirm | confirmed | factual | valid | 👍 | ✅ | ✔
""")
SAYS_NO = words_of("""
    no | none | nope | nah | naw | nay | false | wrong | incorrect | inaccurate | untrue | invalid | negative
    negatory | disagree | nada | falsehood | lie | 👎 | ❌
""")
TURNS = words_of("not | never | isnt | dont | cant | cannot | wasnt | wont | doesnt | hardly")
SAYS_NOTHING = words_of("""
    a | absolutely | ai | actually | afraid | all | also | am | an | answer | appears | are | as | at | be
    been | being | believe | but | case | certainly | completely | d | definitely | do | entirely | exactly
    fact | far | for | from | going | gotta | have | heck | hell | her | him | i | i'd | i'll | i'm | i've | im
    in | indeed | information | is | it | it'd | it's | its | just | like | ll | m | ma'am | madam | me | mean
    meant | most | much | my | of | oh | out | please | pretty | quite | re | really | reply | response | said
    say | saying | seems | simply | sir | so | sorry | statement | still | sure | tell | telling | that | that'd
    that'll | that's | thats | the | then | there | there's | these | they | they're | thing | think | this
    those | to | today | told | too | totally | turns | very | vote | was | we | well | were | what | what's
    will | with | work | works | would | you | you're | your | know | only | just | way | about | got | does
    did | done
""")
PADDED_ZH = re.compile(
    r"(?:我(?:的)?|今天|今日|现在|現在|目前|暂时|暫時|而家|依家|已经|已經|其实|其實|这几天|這幾天|都|还是|還是|，|,|"
    r" )*(?P<core>.+?)"
    r"(?:了|啊|呀|呢|哦|喔|噢|啦|嘅|喎|囉|咯|㗎|今天|今日|现在|現在)*"
)
"""A Chinese yes or no with what is put around it: 我没有了, 今日冇呀."""
BY_THE_WAY = frozenset(("对了", "對了", "好了", "行了", "得了"))
"""These say something else with their last word than without."""
HEDGES = re.compile(
    r"(?<![a-z])(?:maybe|perhaps|might|may|could|possibly|probably not sure|not (?:\w+ )?(?:sure|certain)|unsure|"
    r"uncertain|"
    r"either|both|know if|do(?:n't| not|nt) (?:\w+ )?know|c(?:an|ould)(?:'?t|n't|not| not) (?:say|tell|answer|decide|"
    r"remember|recall)|"
    r"no idea|idk|dunno|depends|sometimes|sort of|kind of|used to|who knows)(?![a-z])"
    r"|也许|也許|可能|说不定|說不定|不知道|唔知|不确定|不確定|不清楚|唔清楚|不记得|不記得|唔記得|不好说|不好說|有时|"
    r"有時|或者|或许|或許|看情况|看情況|大概吧"
)
"""Neither yes nor no."""
