"""A second reading of requests: by classes of words and the structure of clauses, not by patterns of whole sentences.

It is used only where the patterns of `clauses` refuse. `lexicon` lists words by what they do, `tagging` finds them,
`nouns` reads noun phrases, `composed` groups these chunks into clauses, and `effects` turns each clause into the
statements that `requests.story` applies. Every word is read by a rule, says nothing, or is reported as left out; a word
that may change the meaning and fits no rule refuses the request.
"""
