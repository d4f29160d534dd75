"""Backgrounds by other names: places, times of day, seasons and weather, and what is said when they change.
Tables only.
"""

from __future__ import annotations

__all__ = ["GROUND_CHANGES", "GROUND_NOUNS"]

_NAMES = {
    "meadow": (
        "field fields lawn garden park prairie plain plains countryside pasture grass grassland hillside hill hills "
        "daytime daylight spring summer noon midday morning"
    ),
    "night": "nighttime dark darkness moonlight starlight nightfall",
    "sunset": "dusk twilight sundown eve",
    "beach": "sand seafront waterfront coastline bay lagoon water island waves waterside",
    "snow": "snowstorm blizzard snowfall wintertime snowscape ice",
    "forest": "wood jungle rainforest grove woodlands forests",
}
GROUND_NOUNS = {word: name for name, words in _NAMES.items() for word in words.split()}
"""Further nouns for the trained backgrounds."""

_BEGINS = (
    "(?:falls|comes|arrives|begins|starts|has come|has fallen|has arrived|is here|is coming|came|fell|arrived|"
    "began|sets in|is falling|approaches|descends|rolls in|takes over|fall|come|begin|arrive)"
)
_GETS = (
    "(?:(?:it|everything|the (?:world|sky|day|scene|picture))(?: (?:slowly|suddenly|now|has|soon|then))* "
    ")?(?:gets|becomes|grows|turns|is getting|is becoming|is growing|goes|got|became|turned|gone|has become|"
    "has gotten)(?: (?:all|very|quite|so|really|the))?"
)
_SNOWS = "(?:it|the snow)(?: (?:now|soon|suddenly|slowly))? "
GROUND_CHANGES = {
    "night": (
        rf"(?:the )?(?:night|darkness|nightfall|nighttime|midnight) {_BEGINS}|{_GETS} (?:dark|night)(?: like "
        rf"(?:the |at )?night)?|(?:the|a) moon (?:rises|comes "
        r"up|comes out|is up|shines|is out|is shining|rose|came out|came up|appears)|make it (?:go )?(?:dark|"
        r"night)|the sun "
        r"(?:has set|is gone|has gone down|disappears|is down)|the stars (?:come|are|came) out|let (?:the "
        r")?(?:night|darkness) "
        r"fall|turn (?:the )?day (?:in)?to night|turn (?:off|out) the lights?|under (?:the|a) (?:full )?(?:moon|"
        r"stars|night sky|"
        r"moonlight|starry sky)|it is (?:now |already |very )*(?:dark|night ?time|late at night)(?! now)|(?:in|"
        r"during) the "
        r"(?:middle|dead) of the night|(?:in|at|by) the dark|(?:when|after|once) it is dark|the lights go out|"
        r"day turns (?:in)?to night"
    ),
    "sunset": (
        rf"(?:with )?the sun (?:gone down|going down|sets|goes down|is setting|is going down|begins to (?:set|go "
        rf"down|sink)|starts to (?:set|go down|sink|setting)|"
        rf"starts setting|sinks|is low|went down|dips|is sinking|set)|(?:the )?(?:sunset|evening|dusk|twilight|"
        rf"sundown) {_BEGINS}|"
        rf"the day (?:ends|is (?:over|ending)|draws to a close)|{_GETS} (?:late|evening)|(?:with|under|beneath|"
        rf"against|before|in "
        r"front of) (?:a|the) (?:setting sun|sunset(?: sky)?|evening sky)|(?:with )?the sun setting|(?:in the "
        r")?late afternoon"
    ),
    "snow": (
        rf"(?:it|snow) (?:starts?|begins?|started|began) (?:to )?(?:snow|snowing|fall|falling)(?: heavily)?|"
        rf"{_SNOWS}(?:is )?"
        r"(?:snows?|snowing|snowed|has snowed)|(?:the )?(?:first )?snow(?:flakes)? (?:falls?|fell|comes|arrives|"
        r"begins|is falling|covers "
        r"(?:everything|the (?:ground|land|scene))|has fallen|came)|let it snow|make it snow|everything is "
        r"(?:covered (?:in|with) snow|white "
        r"with snow)|(?:the )?winter (?:comes|arrives|begins|is here|has come|came|sets in|starts)|(?:with "
        r")?snow everywhere|"
        r"(?:all )?covered (?:in|with) snow|it is winter(?:time)?|in (?:a|the) snowy (?:place|landscape|field|"
        r"scene|land|world)|"
        r"with (?:lots of )?snow(?: all)? (?:around|on the ground|all around)|a snowstorm (?:comes|begins|"
        r"arrives)|snowy (?:background|"
        r"scene|landscape|weather|day)|on (?:a|the) snowy (?:day|ground|field)|in (?:the )?snowy weather"
    ),
    "meadow": (
        r"(?:the )?(?:morning|day|dawn|daylight|sunrise) (?:comes|breaks|arrives|begins|is here|dawns|came|"
        r"broke)|the sun (?:rises|comes "
        r"up|comes out|is up|rose|came up|shines again)|"
        rf"{_GETS} (?:light|day|daytime|bright)|the night (?:ends|is over)|(?:the )?(?:spring|summer) (?:comes|"
        rf"arrives|begins|is "
        r"here|has come|came|starts)|the snow (?:melts(?: away)?|has melted|is gone|melted|disappears)|a new day "
        r"(?:comes|begins|"
        r"dawns)|night turns (?:in)?to day"
    ),
    "forest": r"in (?:between|among|amongst) (?:the )?trees of (?:a|the) forest|deep in the (?:forest|woods)|"
    "(?:in|into) the deep woods",
    "beach": (
        r"(?:at|by|on|near|to) the (?:edge of the )?(?:water|waterfront|sea side|sea shore)|on the (?:water|"
        r"waves)|(?:out )?(?:at|to) sea|on "
        r"the open sea|sandy (?:background|beach)"
    ),
}
"""Patterns over words that say which background there is or comes."""
