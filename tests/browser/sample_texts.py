"""What is asked and answered in the pictures and the accessibility tests."""

from __future__ import annotations

QUESTION = "Which is faster in Python: sorting a list, or keeping a heap?"
ANSWER = """\
It depends on **how much of the order you need**, and when.

| you need | take | costs |
|---|---|--:|
| everything, once | `sorted(items)` | n log n |
| the smallest few | `heapq.nsmallest(k, items)` | n log k |
| the next one, while others come | a heap | log n each |

A heap keeps its smallest item first and nothing else in order:

```python
import heapq

def served(arrivals):
    \"\"\"Yield what is due, the most urgent first.\"\"\"
    line = []
    for urgency, name in arrivals:
        heapq.heappush(line, (urgency, name))  # about log n steps
        if len(line) > 2:
            yield heapq.heappop(line)[1]
```

1. Measure with your own data.
2. Sort if in doubt: it is hard to beat.
"""
#: What a reply may hold beyond that, and what does not fit into a line.
EVERYTHING = f"""\
# A heading of the first level
Some text with *emphasis*, **weight**, ~~a correction~~, `code` and
[a link](https://example.org/) on a line of its own: https://example.org/{"a" * 90}

## One of the second
- a list
  - with a list in it,
    and a second line
- whose items

  have paragraphs

#### And one of the fourth
> Someone said this, and it takes more than one line to say it: a quotation keeps its
> distance from what is around it.
>
> > And someone else before.

***

| a | table | with | many | columns | that | does | not | fit | a phone |
|---|:-:|--:|---|---|---|---|---|---|---|
| {"one | " * 10}
| {"a longer word | " * 10}

```
{"a line of code that is longer than the page is wide, " * 3}
  and one that is not
```

```json
{{"is_highlighted": true, "number": 12.5, "text": "yes", "nothing": null}}
```

- [ ] something to do, for $5
- [x] something done

The formula \\(a^2 + b^2 = c^2\\) stands in a line, and so does the long one
\\({" + ".join(f"x_{{{n}}}" for n in range(40))}\\). On lines of their own are

$$
\\boxed{{x = \\frac{{-b \\pm \\sqrt{{b^2 - 4ac}}}}{{2a}}}} \\tag{{1}}
$$

\\[ {" = ".join(f"y_{{{n}}}" for n in range(60))} \\]

{"Donaudampfschifffahrtsgesellschaft" * 5}
"""
STORY = (
    "The town kept its clocks, though nobody could say what for. At eleven the bakers "
    "went to bed in full sunlight, and at three the children were called in from a "
    "street that had no shadows.\n\nIt was the lamplighter who noticed first."
)
