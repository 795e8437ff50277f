"""Replies as a model writes them on an ordinary day.

They hold what small and large models do in Markdown, its usual mistakes among them.
"""

from __future__ import annotations

import random

REPLIES = (
    """\
Sure! Here's how you can read a file in Python:

```python title="read.py"
from pathlib import Path

def first_line(name: str) -> str:
    \"\"\"The first line, without its end.\"\"\"
    with Path(name).open() as lines:
        return next(lines).rstrip("\\n")
```

1. **Open** the file with `Path.open()`.
2. Take the *first* line with `next()`.
3. Strip the line end.

> **Note:** `next()` raises `StopIteration` where the file is empty.

Let me know if you'd like an example with `async`!
""",
    """\
# Comparing C and C#

| Language | Memory | Typical use | Since |
|:---------|:------:|------------:|---|
| C | manual<br>`malloc`, `free` | systems | 1972 |
| C# | garbage collected | apps | 2000 | see [docs](https://learn.example/c "The docs") |
| F# | garbage collected |

## When to use which ##

* Use **C** for *small* devices
    * and where every byte counts
        * say, in `__init__` of a driver
* Use **C#** for everything else, e.g. snake_case_names and 2*3*4 = 24

Setext heading
--------------

***Bold and italic***, ~~struck~~, and a line\\
that breaks.
""",
    """\
The largest planets are[^1]:

1. Jupiter
1. Saturn
1. Uranus

and in reverse order of their discovery:

3. Neptune
2. Uranus
1. Saturn

1986. A great year for astronomy: see [Voyager 2][v2], [JPL] and <https://jpl.example/voyager>.

Sources:

[1]: https://a.example/planets
[v2]: https://b.example/voyager-2 "Voyager 2 at Uranus"
[JPL]: <https://jpl.example>
[^1]: By radius, not by mass.
""",
    """\
The solutions of \\(ax^2 + bx + c = 0\\) are

\\[
x_1, x_2 = \\frac{-b \\pm \\sqrt{b^2 - 4ac}}{2a}
\\]

With $a = 1$, $b = *$ and $c = 0$ you get $$x_1 * x_2 = 0 * 1.$$ It costs $5 and $6*2*.

$$
\\sum_{i=1}^n i
= \\frac{n(n+1)}{2}
- 0
$$
""",
    """\
以下是**Markdown（マークダウン）**の例です。**「強調」**と*（斜体）*も使えます。

- **항목 1:**은 첫 번째입니다.
- **"항목 2"**는 두 번째입니다.

１．全角数字　２．全角スペース

```text
字下げ　された
```
""",
    """\
مرحبا! إليك قائمة:

- HTML هي لغة توصيف
- CSS للتنسيق

שלום, `git commit -m "הודעה"` שומר שינויים.

1. ראשון
2. Second באנגלית
""",
    """\
Shopping list:

- [ ] milk &amp; eggs
- [x] bread
- [ ] **butter** (see https://shop.example/b?x=1&y=2)

+ plus
- minus

|a|b|c|
|-|-|
|not|a|table|

    indented by four, which is no code

\tindented by a tab

<details>
<summary>More</summary>

Hidden <b>text</b> <!-- with a comment -->
</details>
""",
    """\
- one
  - two
    - three
      - four
        - five
          - six
            - seven
              - eight
                - nine
                  - ten
                    - eleven
                      - twelve

> quote
> > inner
> > > innermost
continued lazily

![A cat](https://pics.example/cat.png "Tom") and ![no picture](cat.png)
""",
    """\
```bash
npm install --save-dev typescript
```

Then:

````markdown
```js {1,3} showLineNumbers
const x = 1; // `x`
```
````

~~~rust,ignore
fn main() { println!("{}", 1 | 2); }
~~~

``` a `code span` of three ```

```
never closed, because the reply was cut
""",
    """\
Dear Ms. O'Neil,

Thank you for your letter of 3. March.
I would be happy to meet at 10:30 a.m. — or "any time" you like…
My number is +1 (555) 010-99; e-mail: anna@a.example.

2) Bring your #1 idea.
007. Bond

Best,
Anna 👩‍🚀

P.S. C:\\Users\\anna\\new_file.txt and \\\\server\\share
***
---
""",
)

_CONTAINERS = ("> ", "- ", "1. ", "12) ", ">", "  * ", "- [ ] ")


def mixed_reply(number: int) -> str:
    """Some of the replies one below the other, in lists and quotes; by a seed."""
    chance = random.Random(number)
    parts = [_contained(chance) for _ in range(chance.randrange(1, 4))]
    return chance.choice(("\n", "\n\n", "\n\n\n")).join(parts)


def _contained(chance: random.Random) -> str:
    lines = chance.choice(REPLIES).splitlines()
    for _ in range(chance.choice((0, 0, 1, 1, 2))):
        mark = chance.choice(_CONTAINERS)
        behind = mark if ">" in mark else " " * len(mark)
        # Now and then a line is not indented, as by small models.
        marks = [behind if chance.random() < 0.97 else "" for _ in lines]
        lines = [mark + lines[0], *map("".join, zip(marks[1:], lines[1:], strict=True))]
    return "\n".join(lines)
