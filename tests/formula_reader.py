"""Printed formulas read back: sums of juxtaposed factors, definitions, blocks of labelled lines; exact numbers."""

import math
import re
from fractions import Fraction

TOKEN = re.compile(r"\s*(?:((?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:e[+-]?\d+)?)|([A-Za-z_][A-Za-z0-9_]*)|(.))")
FUNCTIONS = {"max": max, "min": min, "floor": math.floor}


def value_of(text, values):
    """The number that a formula comes to; `values`: numbers of its names, and functions of one argument."""
    tokens = [x.groups() for x in TOKEN.finditer(text.rstrip())] + [(None, None, "")]
    reader = _Reader(tokens, values)
    value = reader.sum()
    assert reader.sign() == "", (text, tokens[reader.at :])
    return value


def power(base, exponent):
    """A power; a float where the exact one has thousands of digits."""
    return base**exponent if exponent <= 64 and Fraction(exponent).denominator == 1 else float(base) ** float(exponent)


class _Reader:
    def __init__(self, tokens, values):
        self.tokens, self.values, self.at = tokens, values, 0

    def sign(self):
        return self.tokens[self.at][2]

    def take(self, *signs):
        if self.sign() in signs:
            self.at += 1
            return self.tokens[self.at - 1][2]
        return None

    def sum(self):
        value = -self.product() if self.take("-") else self.product()
        while sign := self.take("+", "-"):
            value += self.product() if sign == "+" else -self.product()
        return value

    def product(self):
        value = self.power()
        while any(self.tokens[self.at][:2]) or self.sign() == "(":
            value *= self.power()
        while self.take("/"):
            value = value / self.power()
        return value

    def power(self):
        base = self.atom()
        return power(base, self.power()) if self.take("^") else base

    def atom(self):
        number, name, sign = self.tokens[self.at]
        self.at += 1
        if number:
            return Fraction(number.replace(",", ""))
        if sign == "(":
            return self.close(self.sum())
        function = FUNCTIONS.get(name) or (self.values[name] if callable(self.values[name]) else None)
        if function and self.take("("):
            arguments = [self.sum()]
            while self.take(","):
                arguments.append(self.sum())
            return self.close(Fraction(function(*arguments)))
        return self.values[name]

    def close(self, value):
        assert self.take(")") == ")"
        return value


def sections_of(text):
    """Title -> lines: of each quantity, and of what names stand for."""
    sections, title = {}, None
    for block in text.strip("\n").split("\n\n")[1:]:
        lines = block.split("\n")
        if lines[0].startswith(("where", "sizes")):
            sections[lines[0]] = lines[1:]
        elif len(lines) == 1 and title is None:
            title = lines[0]
        else:
            sections[title], title = lines, None
    return sections


def rows_of(lines):
    """Name -> what it stands for, in rows of a name, a value and words; values and words may go on below themselves."""
    rows, column = {}, 0
    for line in lines:
        if not line.startswith("   "):
            name, space, text = re.match(r"  (\S+)( +)(.*)$", line).groups()
            column = 2 + len(name + space)
            rows[name] = re.split(r"(?<!,)  +", text)[0]
        elif len(line) - len(line.lstrip()) == column:
            rows[name] += " " + line.strip()
    return rows


class Names(dict):
    """Numbers by name; those of `texts` are what their formulas come to, `S(x)` a function.

    The value of a function is a formula, then the names of its parts: `r (r + 1)/2,  r = x - w q,  q = floor(x/w)`.
    """

    read = staticmethod(value_of)
    between_parts = r", +(?=[a-z] = )"

    def __init__(self, numbers, texts):
        super().__init__(numbers)
        self.texts = texts

    def __missing__(self, name):
        if f"{name}(x)" in self.texts:
            return lambda x: self.at(self.texts[f"{name}(x)"], x)
        self[name] = self.read(self.texts[name], self)
        return self[name]

    def at(self, text, x):
        form, *parts = re.split(self.between_parts, text)
        return self.read(form, type(self)({**self, "x": x}, {**self.texts, **dict(y.split(" = ") for y in parts)}))


class Sheet:
    """A quantity as printed: `groups` of (count, [(label, [formula of each case])]), `condition` of the first case."""

    def __init__(self, lines):
        numbered = [x for x in (re.match("in numbers +", line) for line in lines) if x]
        labelled = [x for x in (re.match(r"  \S.*?  +", line) for line in lines) if x]
        plain = [x for x in (re.match(r"\S.*?  +(?!x )", line) for line in lines) if x]
        self.margin = (numbered or labelled or plain)[0].end()
        self.groups, self.conditions, self.split, self.tail = [], [], None, None
        for line in lines:
            self.read(line)

    def read(self, line):
        name, text = line[: self.margin].strip(), line[self.margin :].rstrip()
        head = re.fullmatch(r"(\S.*?)(?:  +x (\S+))?(?:  \(.*layers\))?", line)
        if line.startswith(" " * self.margin):
            self.read_below(text)
        elif name in ("absorbed", "expanded", "in numbers"):
            self.tail = name
            self.conditions += [text] if name == "absorbed" else []
        elif line.startswith("  "):
            self.groups[-1][1].append((name, self.cases_of(text)))
        elif head and (head[2] or (head[1] == line.strip() and "  " not in line)):
            self.groups.append((head[2] or "1", []))
        else:
            self.groups.append(("1", [("", [text])]))

    def read_below(self, text):
        if re.fullmatch(r"absorbed +expanded", text):
            self.split = text.index("expanded")
        elif self.tail:
            self.conditions = [x + " " + text for x in self.conditions] if self.tail == "absorbed" else self.conditions
        elif text.startswith("absorbed ") or not self.groups[-1][1]:
            self.groups[-1][1].append(("", self.cases_of(text)))
        elif text.startswith("expanded "):
            self.groups[-1][1][-1][1].append(text.removeprefix("expanded").strip())
        else:
            self.groups[-1][1][-1][1][-1] += " " + text.strip()

    def cases_of(self, text):
        if text.startswith("absorbed "):
            return [text.removeprefix("absorbed").strip()]
        if self.split and text[self.split - 3 : self.split] == "   ":
            return [text[: self.split].strip(), text[self.split :].strip()]
        return [text]

    def value(self, values, case=0):
        """The number it comes to in a case."""
        return sum(
            value_of(count, values) * sum(value_of(texts[min(case, len(texts) - 1)], values) for _, texts in lines)
            for count, lines in self.groups
        )
