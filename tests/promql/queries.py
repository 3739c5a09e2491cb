"""Random series and random PromQL for `differential`. Everything comes from one random.Random, so a seed gives the same again."""

from server import STALE

JOBS = ["api", "web", "db"]
INSTANCES = ["a:1", "b:1", "c:1", "d:1"]
START = 1_700_000_000_000  # ms; a multiple of a minute would hide how subqueries are aligned, so it is none
MINUTES = 40
COMPARISONS = ["==", "!=", "<", "<=", ">", ">="]
ARITHMETIC = ["+", "-", "*", "/", "%", "^", "atan2"]
AGGREGATIONS = ["sum", "avg", "count", "min", "max", "group", "stddev", "stdvar"]
OVER_TIME = ["avg", "min", "max", "sum", "count", "stddev", "stdvar", "last", "present"]
RANGE_FUNCTIONS = ["rate", "increase", "delta", "irate", "idelta", "changes", "resets", "deriv"]
NUMBER_FUNCTIONS = ["abs", "ceil", "floor", "sgn", "sqrt", "exp", "ln", "log2", "log10", "deg", "rad", "sin", "cos", "tan",
                    "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh"]
DATE_FUNCTIONS = ["minute", "hour", "day_of_week", "day_of_month", "day_of_year", "days_in_month", "month", "year"]


class Data:
    """Series of one round. Their names begin with the round, so that rounds do not see each other."""

    def __init__(self, random, number):
        self.random = random
        self.prefix = f"r{number}_"
        self.series = []
        for job in JOBS:
            for instance in INSTANCES:
                if random.random() < 0.9:
                    self.add("reqs_total", {"job": job, "instance": instance}, self.counter())
                if random.random() < 0.8:
                    self.add("temp", {"job": job, "instance": instance}, self.gauge())
                if random.random() < 0.6:
                    self.add("mem", {"job": job, "instance": instance}, self.gauge())
                if random.random() < 0.7:
                    self.add("info", {"instance": instance, "job": job, "version": f"v{random.randrange(3)}"}, self.constant(1))
        for job in JOBS:
            self.buckets(job)
        for path in "/", "/x", "/y.z":
            self.add("hits_total", {"job": random.choice(JOBS), "path": path}, self.counter())
        self.add("limit", {"job": "api"}, self.gauge())
        self.add("alone", {}, self.gauge())

    def add(self, name, labels, values):
        times = self.times()
        points = [(time, value) for time, value in zip(times, values) if value is not None]
        if points:
            self.series.append(({"__name__": self.prefix + name, **labels}, points))

    def times(self):
        """On the minute grid, on a grid of its own, or with jitter: what is at a border of a range differs."""
        step = self.random.choice([15_000, 30_000, 60_000])
        base = START - START % 60_000 + self.random.choice([0, 0, 1, 7_000, self.random.randrange(60_000)])
        jitter = self.random.choice([0, 0, 0, 900])
        return [base + i * step + self.random.randint(0, jitter) for i in range(MINUTES * 60_000 // step)]

    def number(self):
        """Mostly a few quarters, so that sums are exact in any order."""
        kind = self.random.random()
        if kind < 0.02:
            return self.random.choice([float("nan"), float("inf"), float("-inf"), 0.0])
        return self.random.randint(-400, 4000) / 4

    def holes(self, values):
        """Gaps and stale markers."""
        out, gap = [], 0
        for value in values:
            if gap:
                gap -= 1
                out.append(None)
                continue
            kind = self.random.random()
            if kind < 0.012:
                gap = self.random.randrange(1, 30)
                out.append(STALE if self.random.random() < 0.6 else None)
            else:
                out.append(value)
        return out

    def counter(self):
        value, out = float(self.random.choice([0, 0, 5, 1000])), []
        for _ in range(MINUTES * 4):
            value += self.random.choice([0, 0, 1, 3, 10, 0.5])
            if self.random.random() < 0.02:
                value = float(self.random.choice([0, 1, 2]))
            out.append(value)
        return self.holes(out)

    def gauge(self):
        if self.random.random() < 0.15:
            return self.constant(self.number())
        return self.holes([self.number() for _ in range(MINUTES * 4)])

    def constant(self, value):
        return self.holes([float(value)] * (MINUTES * 4))

    def buckets(self, job):
        bounds = ["0.1", "0.5", "1", "5", "+Inf"]
        if self.random.random() < 0.2:
            bounds = bounds[:-1]
        instance = self.random.choice(INSTANCES)
        counts, rows = [0.0] * len(bounds), {bound: [] for bound in bounds}
        times = self.times()
        for _ in times:
            for i in range(self.random.randrange(len(bounds)), len(bounds)):
                counts[i] += self.random.choice([0, 1, 2, 5])
            for bound, count in zip(bounds, counts):
                rows[bound].append(count)
        for bound in bounds:
            points = list(zip(times, rows[bound]))
            self.series.append(({"__name__": self.prefix + "lat_bucket", "job": job, "instance": instance, "le": bound}, points))


class Queries:
    """Writes one random expression after the other over a round's data."""

    def __init__(self, random, data, legacy):
        self.random = random
        self.prefix = data.prefix
        self.legacy = legacy

    def pick(self, *choices):
        return self.random.choice(choices)

    def query(self):
        """(start, end, step, expression); step 0: an instant query."""
        kind = self.random.random()
        depth = self.pick(1, 2, 2, 3, 3, 4)
        if kind < 0.04:
            expression = self.scalar(depth)
        elif kind < 0.08:
            expression = self.range(1)
        elif kind < 0.12:
            # Outermost the mathematical functions are as they are.
            expression = self.pick(f"{self.random.choice(NUMBER_FUNCTIONS)}({self.vector(1)})",
                                   f"{self.vector(1)} {self.pick('^', 'atan2')} {self.pick(self.number(), self.vector(1))}")
        else:
            expression = self.vector(depth)
        start = self.time()
        if kind < 0.08 or self.random.random() < 0.6:
            return start, start, 0, expression
        step = self.pick(15_000, 30_000, 60_000, 61_000, 7_001, 300_000)
        return start, start + step * self.random.randrange(1, 12) + self.pick(0, 0, 1_234), step, expression

    def time(self):
        base = START - START % 60_000
        return base + self.pick(self.random.randrange(0, MINUTES + 4) * 60_000, self.random.randrange((MINUTES + 2) * 60_000))

    def duration(self, *more):
        return self.pick("15s", "30s", "1m", "90s", "2m", "5m", "10m", "1m1s", "3m500ms", *more)

    def modifiers(self):
        out = ""
        if self.random.random() < 0.12:
            out += f" offset {self.pick('', '', '-')}{self.duration()}"
        if self.random.random() < 0.06:
            at = self.pick("start()", "end()", f"{self.time() / 1000:.3f}", str(self.time() // 1000))
            out = f" @ {at}{out}" if self.random.random() < 0.5 else f"{out} @ {at}"
        return out

    def matchers(self):
        out = []
        for label, values in ("job", JOBS), ("instance", INSTANCES):
            if self.random.random() < 0.2:
                value = self.random.choice(values)
                out.append(self.pick(f'{label}="{value}"', f'{label}!="{value}"', f'{label}=~"{value[0]}.*|web"', f'{label}!~"{value}"',
                                     f'{label}=~".+"', f'{label}=""'))
        return out

    def name(self):
        return self.prefix + self.pick("reqs_total", "reqs_total", "temp", "temp", "mem", "info", "hits_total", "limit", "alone",
                                       "lat_bucket", "none")

    def selector(self):
        matchers = self.matchers()
        if self.random.random() < 0.05:
            matchers.insert(0, f'__name__=~"{self.prefix}({self.pick("temp|mem", "reqs_total|hits_total", "t.*", "alone|limit")})"')
            return "{" + ",".join(matchers) + "}"
        name = self.name()
        return f"{name}{{{','.join(matchers)}}}" if matchers else name

    def range(self, depth):
        if depth > 1 and self.random.random() < 0.3:
            step = self.pick("", self.pick("15s", "30s", "1m", "45s"))
            inner, modifiers = self.inner(depth - 1), self.modifiers()
            # Where a subquery is moved to begin at the query's own time, Prometheus moves what is fixed inside as well.
            return f"{inner}[{self.duration('20m')}:{step}]{'' if '@' in inner and 'offset' in modifiers else modifiers}"
        return f"{self.selector()}[{self.duration('20m')}]{self.modifiers()}"

    def inner(self, depth):
        """A vector that a suffix can follow."""
        return f"({self.vector(depth)})"

    def number(self):
        return self.pick("0", "1", "2", "0.5", "-1", "10", "100", "1e3", "0.25", "NaN", "Inf", "-Inf", "5", "250")

    def scalar(self, depth):
        if depth <= 1:
            return self.pick(self.number(), self.number(), "time()", "pi()")
        kind = self.random.random()
        if kind < 0.5:
            return self.number()
        if kind < 0.7:
            return f"scalar({self.vector(depth - 1)})"
        if kind < 0.8:
            return f"-({self.scalar(depth - 1)})"
        op = self.pick(*ARITHMETIC[:5], *[f"{one} bool" for one in COMPARISONS])
        return f"({self.scalar(depth - 1)} {op} {self.scalar(depth - 1)})"

    def vector(self, depth):
        if depth <= 1:
            return f"{self.selector()}{self.modifiers()}"
        makers = [self.range_function] * 5 + [self.aggregation] * 5 + [self.binary] * 6 + [self.function] * 4 + [self.sets] * 2
        return self.random.choice(makers)(depth)

    def range_function(self, depth):
        kind = self.random.random()
        if kind < 0.4:
            return f"{self.random.choice(RANGE_FUNCTIONS)}({self.range(depth)})"
        if kind < 0.7:
            return f"{self.random.choice(OVER_TIME)}_over_time({self.range(depth)})"
        if kind < 0.78:
            return f"quantile_over_time({self.pick('0', '0.5', '0.9', '1', '-1', '2', self.scalar(1))}, {self.range(depth)})"
        if kind < 0.86:
            # With `@` in a range query 2.42 forgets points after the first step.
            points = self.range(depth) if not self.legacy else f"{self.selector()}[{self.duration()}]"
            return f"predict_linear({points}, {self.pick('60', '600', '-30', self.scalar(1))})"
        if kind < 0.92:
            return f"absent_over_time({self.range(depth)})"
        if self.legacy:
            return f"holt_winters({self.range(depth)}, {self.pick('0.3', '0.5')}, {self.pick('0.1', '0.9')})"
        return f"first_over_time({self.range(depth)})"

    def grouping(self):
        kind = self.random.random()
        if kind < 0.3:
            return ""
        labels = ",".join(self.random.sample(["job", "instance", "version", "le", "none"], self.random.randrange(0, 3)))
        return f"{self.pick('by', 'without')}({labels})"

    def aggregation(self, depth):
        kind = self.random.random()
        if kind < 0.7:
            return f"{self.random.choice(AGGREGATIONS)} {self.grouping()}({self.vector(depth - 1)})"
        if kind < 0.8:
            return f"quantile {self.grouping()}({self.pick('0', '0.5', '0.9', '1', '-1', '2', 'NaN')}, {self.vector(depth - 1)})"
        if kind < 0.92:
            # Of equal elements anyone may win in Prometheus too, so they come straight from series with many values.
            argument = f"{self.prefix}{self.pick('temp', 'mem')}{self.modifiers()}"
            return f"{self.pick('topk', 'bottomk')} {self.grouping()}({self.pick('1', '2', '3', '0', '100')}, {argument})"
        # Only values that are exact: their text is a label.
        argument = self.pick(f"{self.selector()}{self.modifiers()}", f"changes({self.range(1)})", f"count {self.grouping()}({self.vector(depth - 1)})")
        return f"count_values {self.grouping()}(\"{self.pick('value', 'job')}\", {argument})"

    def binary(self, depth):
        kind = self.random.random()
        op = self.pick(*ARITHMETIC, *COMPARISONS, *[f"{one} bool" for one in COMPARISONS])
        if op in ("^", "atan2"):
            return self.exact(f"({self.vector(depth - 1)} {op} {self.pick(self.matching(), '')} {self.vector(depth - 1)})")
        if kind < 0.25:
            return f"({self.vector(depth - 1)} {op} {self.scalar(depth - 1)})"
        if kind < 0.35:
            return f"({self.scalar(depth - 1)} {op} {self.vector(depth - 1)})"
        if kind < 0.4:
            return f"-{self.inner(depth - 1)}"
        if kind < 0.75:
            return self.related(depth, op)
        return f"({self.vector(depth - 1)} {op} {self.matching()} {self.vector(depth - 1)})"

    def exact(self, expression):
        """Go and glibc compute powers and the like with another last bit, and a difference of two would be made of nothing else."""
        return f"round(clamp({expression}, -1e6, 1e6), 0.001)"

    def related(self, depth, op):
        """Two vectors that have matches, mostly."""
        kind = self.random.random()
        pair = self.random.sample(["reqs_total", "temp", "mem"], 2)
        left, right = (f"{self.pick('', '', 'rate', 'max_over_time')}({self.prefix}{name})" for name in pair)
        left, right = (one.replace(")", f"[{self.duration()}])") if not one.startswith("(") else one for one in (left, right))
        if kind < 0.3:
            return f"({left} {op} {self.pick('', 'on(job,instance)', 'ignoring(version)', 'on(instance,job)')} {right})"
        if kind < 0.6:
            label = self.pick("job", "instance")
            return f"({self.pick('sum', 'max', 'avg')} by ({label}) ({left}) {op} {self.pick('', f'on({label})')} count by ({label}) ({right}))"
        if kind < 0.8:
            return f"({left} {op} {self.pick('on', 'on', 'ignoring')}({self.pick('job,instance', 'instance,job', 'version')}) " \
                   f"{self.pick('group_left', 'group_left', 'group_right')}({self.pick('version', '')}) {self.prefix}info)"
        return f"({left} {op} on({self.pick('job', 'instance')}) {self.pick('group_left()', 'group_left', '')} " \
               f"{self.pick('sum', 'min')} by ({self.pick('job', 'instance')}) ({right}))"

    def labels(self):
        return ",".join(self.random.sample(["job", "instance", "version", "le", "path"], self.random.randrange(0, 4)))

    def matching(self):
        kind = self.random.random()
        if kind < 0.35:
            return ""
        out = f"{self.pick('on', 'ignoring')}({self.labels()})"
        if self.random.random() < 0.5:
            listed = out[out.index("(") + 1:-1].split(",")
            include = [one for one in self.random.sample(["version", "path", "le"], self.random.randrange(0, 3))
                       if out.startswith("ignoring") or one not in listed]
            out += f" {self.pick('group_left', 'group_right')}({','.join(include)})"
        return out

    def sets(self, depth):
        matching = self.pick("", "", f"on({self.labels()})", f"ignoring({self.labels()})")
        return f"({self.vector(depth - 1)} {self.pick('and', 'or', 'unless')} {matching} {self.vector(depth - 1)})"

    def function(self, depth):
        inner = self.vector(depth - 1)
        kind = self.random.random()
        if kind < 0.3:
            return self.exact(f"{self.random.choice(NUMBER_FUNCTIONS)}({inner})")
        if kind < 0.4:
            return self.pick(f"clamp({inner}, {self.number()}, {self.number()})", f"clamp_min({inner}, {self.number()})",
                             f"clamp_max({inner}, {self.scalar(depth - 1)})")
        if kind < 0.48:
            return self.pick(f"round({inner})", f"round({inner}, {self.pick('5', '0.5', '10', '0')})")
        if kind < 0.55:
            # Far away years differ between versions of Go.
            function = self.random.choice(DATE_FUNCTIONS)
            return self.pick(f"{function}()", f"{function}(clamp({inner} * 86400, -1e10, 1e11) < Inf)")
        if kind < 0.65:
            argument = self.pick(inner, self.selector() + self.modifiers())
            # Prometheus forgets the offset of a selector with `@` here.
            return f"timestamp({self.selector() if '@' in argument and 'offset' in argument else argument})"
        if kind < 0.72:
            return f"absent({self.pick(inner, self.selector())})"
        if kind < 0.79:
            source = self.pick("job", "instance", "__name__", "none")
            regex, replacement = self.pick(("(.*)", "$1"), ("(.)(.*)", "$2-$1"), ("a.*", "x"), ("(?P<first>.).*", "${first}"))
            return f'label_replace({inner}, "{self.pick("new", "job", "instance")}", "{replacement}", "{source}", "{regex}")'
        if kind < 0.84:
            return f'label_join({inner}, "{self.pick("new", "job")}", "-", "job", "instance")'
        if kind < 0.9:
            return f"{self.pick('sort', 'sort_desc')}({inner})"
        if kind < 0.93:
            return f"vector({self.scalar(depth - 1)})"
        buckets = self.pick(f"{self.prefix}lat_bucket{self.modifiers()}", f"rate({self.prefix}lat_bucket[{self.duration()}])",
                            f"sum by (le) ({self.prefix}lat_bucket)", inner)
        quantile = self.pick("0.5", "0.9", "0.99", "0", "1", "-1", "2", "NaN")
        if not self.legacy and self.random.random() < 0.3:
            return f"histogram_fraction({self.pick('0', '0.2', '-Inf')}, {self.pick('0.5', '2', 'Inf', '0.7')}, {buckets})"
        return f"histogram_quantile({quantile}, {buckets})"
