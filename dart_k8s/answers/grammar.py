"""Names of the grammar: which command, word or symbol means what."""

RELATIONS = {
    "=": "=", "==": "=", ":=": "=", "<": "<", ">": ">", "<=": "<=", ">=": ">=", "!=": "!=", "le": "<=", "leq": "<=",
    "leqslant": "<=", "leqq": "<=",
    "ge": ">=", "geq": ">=", "geqslant": ">=", "geqq": ">=", "lt": "<", "gt": ">", "ne": "!=", "neq": "!=",
    "approx": "~", "simeq": "~",
    "in": "in", "equiv": "mod", "doteq": "~", "notin": "notin", "subset": "subset", "subseteq": "subseteq",
    "perp": "perp", "parallel": "parallel",
    "sim": "similar", "cong": "congruent", "mid": "divides", "eq": "=",
}  # fmt: skip
SETS = {
    "cup": "union",
    "cap": "intersection",
    "setminus": "difference",
    "backslash": "difference",
    "union": "union",
    "bigcup": "union",
}
FUNCTIONS = {
    name: name
    for name in (
        "sin cos tan cot sec csc sinh cosh tanh coth ln log exp min max gcd lcm floor ceil sgn det arg Re Im Pr deg cis"
    ).split()
} | {
    "arcsin": "asin", "arccos": "acos", "arctan": "atan", "asin": "asin", "acos": "acos", "atan": "atan",
    "arccot": "acot", "tg": "tan", "ctg": "cot",
    "arctg": "atan", "cosec": "csc", "lg": "lg", "abs": "abs", "sqrt": "sqrt", "cbrt": "cbrt", "binom": "binomial",
    "binomial": "binomial",
    "ceiling": "ceil", "sign": "sgn", "arcsec": "asec", "arccsc": "acsc", "arsinh": "asinh", "arcosh": "acosh",
    "artanh": "atanh",
    "asinh": "asinh", "acosh": "acosh", "atanh": "atanh", "factorial": "factorial",
}  # fmt: skip
INVERSES = {
    "sin": "asin",
    "cos": "acos",
    "tan": "atan",
    "cot": "acot",
    "sec": "asec",
    "csc": "acsc",
    "sinh": "asinh",
    "cosh": "acosh",
    "tanh": "atanh",
}
MANY = frozenset({"min", "max", "gcd", "lcm", "binomial"})
CONSTANTS = {
    "pi": "pi",
    "infty": "infinity",
    "infinity": "infinity",
    "inf": "infinity",
    "oo": "infinity",
    "imath": "i",
    "Pi": "Pi",
    "iota": "i",
}
GREEK = frozenset(
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta kappa lambda mu nu xi rho sigma tau phi varphi "
    "chi psi omega Gamma Delta Theta "
    "Lambda Xi Pi Sigma Phi Psi Omega ell hbar aleph varrho varsigma upsilon Upsilon partial nabla".split()
)
SAME = {"varepsilon": "epsilon", "varphi": "phi", "vartheta": "theta", "varrho": "rho"}
FRACTIONS = frozenset({"frac", "dfrac", "tfrac", "cfrac", "nicefrac", "sfrac"})
BINOMIALS = frozenset({"binom", "dbinom", "tbinom"})
TIMES = frozenset({"cdot", "times", "ast", "star", "bullet"})
POINTS = frozenset({"angle", "triangle", "overline", "measuredangle", "odot", "bar", "square", "widehat", "overarc"})
BRACKETS = {
    "(": ")",
    "[": "]",
    "\\{": "\\}",
    "langle": "rangle",
    "lbrace": "rbrace",
    "lparen": "rparen",
    "lbrack": "rbrack",
}
SHAPES = {"(": "(", "[": "[", "\\{": "{", "langle": "<", "lbrace": "{",
          ")": ")", "]": "]", "\\}": "}", "rangle": ">",
          "rbrace": "}", "lparen": "(", "rparen": ")", "lbrack": "[", "rbrack": "]", "{": "{", "}": "}"}  # fmt: skip
FLOORS = {
    "lfloor": ("rfloor", "floor"),
    "lceil": ("rceil", "ceil"),
    "lvert": ("rvert", "abs"),
    "lVert": ("rVert", "norm"),
    "\\|": ("\\|", "norm"),
}
MATRICES = frozenset({"pmatrix", "bmatrix", "matrix", "Bmatrix", "smallmatrix", "array", "vmatrix"})
SEPARATORS = frozenset({"and", "or", "&"})
NO_PRODUCTS = frozenset(
    "no not non none never less more most least over under than near just only each but any all some very too nor "
    "wrong isnt".split()
)
"""Words that are no product of variables however short: `not 0` would be n o t 0, which is 0."""
LONGEST_PRODUCT = 4
"""More letters in a row than this are a word, not a product of variables."""
