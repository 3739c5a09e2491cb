#include <algorithm>
#include <limits>
#include <utility>

#include "daemon/promql/evaluation.hpp"

namespace qw::promql {
namespace {

/// Walks over the selectors below an expression with the instants at which each is looked at.
template <class Visit>
class Walk {
 public:
  Walk(const Clockwork& clockwork, const Options& options, Visit visit)
      : clockwork_(clockwork), options_(options), visit_(std::move(visit)) {}

  void expr(const Expr& node, const Grid& grid) {
    std::visit([&](const auto& inner) { this->node(inner, grid); }, node.node);
  }

 private:
  void node(const Number& /*node*/, const Grid& /*grid*/) {}
  void node(const String& /*node*/, const Grid& /*grid*/) {}
  void node(const VectorSelector& node, const Grid& grid) {
    visit_(node, clockwork_.interval(node, options_.lookback, grid), need_of(node, grid));
  }
  void node(const MatrixSelector& node, const Grid& grid) {
    visit_(node.selector, clockwork_.interval(node.selector, node.range, grid), Source::Need::all);
  }
  void node(const Subquery& node, const Grid& grid) {
    const auto inner = clockwork_.grid_of(node, options_.default_step, grid);
    if (inner) expr(*node.expr, *inner);
  }
  void node(const Paren& node, const Grid& grid) { expr(*node.expr, grid); }
  void node(const Unary& node, const Grid& grid) { expr(*node.expr, grid); }
  void node(const Binary& node, const Grid& grid) {
    expr(*node.left, grid);
    expr(*node.right, grid);
  }
  void node(const Aggregate& node, const Grid& grid) {
    expr(*node.expr, grid);
    if (node.parameter) expr(*node.parameter, grid);
  }
  void node(const Call& node, const Grid& grid) {
    for (const auto& argument : node.arguments) expr(*argument, grid);
  }

  const Clockwork& clockwork_;
  const Options& options_;
  Visit visit_;
};

Grid grid_of(Times times) {
  if (times.step <= 0 || times.end <= times.start) return {.start = times.start};
  return {.start = times.start,
          .step = times.step,
          .count = static_cast<std::size_t>((times.end - times.start) / times.step) + 1};
}

bool same(std::span<const store::Matcher> a, std::span<const store::Matcher> b) {
  return std::ranges::equal(a, b, [](const store::Matcher& x, const store::Matcher& y) {
    return x.label == y.label && x.type == y.type && x.value == y.value;
  });
}

}  // namespace

struct Prefetched::Impl {
  struct Entry {
    std::vector<store::Matcher> matchers;
    Interval interval;
    Need need;
    Selection selection;
  };
  std::vector<Entry> entries;
};

std::vector<Ask> asks_of(const Expr& expr, Times times, const Options& options) {
  std::vector<Ask> out;
  const Clockwork clockwork(times, options);
  const auto note = [&out](const VectorSelector& selector, Interval interval, Source::Need need) {
    out.push_back({.matchers = selector.matchers, .from = interval.from, .to = interval.to, .need = need});
  };
  Walk(clockwork, options, note).expr(expr, grid_of(times));
  return out;
}

Prefetched::Prefetched(const Expr& expr, const Source& source, Times times, const Options& options) {
  auto impl = std::make_shared<Impl>();
  const Clockwork clockwork(times, options);
  const auto fetch = [&](const VectorSelector& selector, Interval interval, Need need) {
    impl->entries.push_back({.matchers = selector.matchers,
                             .interval = interval,
                             .need = need,
                             .selection = source.fetch(selector.matchers, interval.from, interval.to, need)});
  };
  Walk(clockwork, options, fetch).expr(expr, grid_of(times));
  impl_ = std::move(impl);
}

std::vector<Source::Series> Prefetched::select(std::span<const store::Matcher> matchers, Millis from,
                                               Millis to) const {
  return *fetch(matchers, from, to, Need::all);
}

Source::Selection Prefetched::fetch(std::span<const store::Matcher> matchers, Millis from, Millis to,
                                    Need need) const {
  for (const auto& entry : impl_->entries) {
    if (entry.interval.from == from && entry.interval.to == to &&
        (entry.need == need || entry.need == Need::all) && same(entry.matchers, matchers)) {
      return entry.selection;
    }
  }
  return std::make_shared<const std::vector<Series>>();
}

std::size_t Prefetched::points() const {
  std::size_t points = 0;
  for (const auto& entry : impl_->entries) {
    for (const auto& series : *entry.selection) points += series.points.size();
  }
  return points;
}

Millis reach(const Expr& expr, const Options& options) {
  // Seen from time 0 the oldest point that is needed is as far back as the expression reaches.
  constexpr Millis kNow = 0;
  const Clockwork clockwork({.start = kNow, .end = kNow, .step = 0}, options);
  Millis oldest = kNow;
  const auto look = [&](const VectorSelector& selector, Interval interval, Source::Need /*need*/) {
    if (!selector.at || selector.at->kind != At::Kind::time) oldest = std::min(oldest, interval.from);
  };
  Walk(clockwork, options, look).expr(expr, {.start = kNow});
  return kNow - oldest + (options.closed_ranges ? 0 : 1);
}

}  // namespace qw::promql
