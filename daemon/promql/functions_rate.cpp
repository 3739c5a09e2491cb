#include <algorithm>
#include <cmath>

#include "daemon/promql/range_functions.hpp"
#include "daemon/promql/table.hpp"

namespace qw::promql {
namespace {

double in_seconds(Millis time) {
  return static_cast<double>(time) / 1000;
}

/// How far the points' span is stretched towards the ends of the range, in seconds: all the way where the
/// next point would be expected outside, else half a distance between points. A counter is not stretched to
/// before it was zero.
struct Stretch {
  double before = 0;
  double after = 0;
};

Stretch stretch(const Window& window, double increase, bool counter) {
  const auto& first = window.points.front();
  const double sampled = in_seconds(window.points.back().at - first.at);
  const double distance = sampled / static_cast<double>(window.points.size() - 1);
  const double near = distance * 1.1;
  Stretch out{.before = in_seconds(first.at - window.begin),
              .after = in_seconds(window.end - window.points.back().at)};
  const auto cut_at_zero = [&] {
    if (counter && increase > 0 && first.value >= 0) {
      const double to_zero = sampled * (first.value / increase);
      if (to_zero < out.before) out.before = to_zero;
    }
  };
  // 2.x asks first where the counter was zero, and so stretches some by half a distance beyond that.
  if (window.legacy) cut_at_zero();
  if (out.before >= near) out.before = distance / 2;
  if (!window.legacy) cut_at_zero();
  if (out.after >= near) out.after = distance / 2;
  return out;
}

double extrapolated(const Window& window, bool counter, bool per_second) {
  if (window.points.size() < 2) return kAbsent;
  double increase = window.points.back().value - window.points.front().value;
  if (counter) {
    for (std::size_t i = 1; i < window.points.size(); ++i) {
      // After a reset it counts from zero again.
      if (window.points[i].value < window.points[i - 1].value) increase += window.points[i - 1].value;
    }
  }
  const double sampled = in_seconds(window.points.back().at - window.points.front().at);
  const auto more = stretch(window, increase, counter);
  double factor = (sampled + more.before + more.after) / sampled;
  if (per_second) factor /= in_seconds(window.end - window.begin);
  return increase * factor;
}

double rate(const Window& window) {
  return extrapolated(window, true, true);
}
double increase(const Window& window) {
  return extrapolated(window, true, false);
}
double delta(const Window& window) {
  return extrapolated(window, false, false);
}

/// The step between the last two points.
double last_step(const Window& window, bool counter) {
  if (window.points.size() < 2) return kAbsent;
  const auto& last = window.points.back();
  const auto& before = window.points[window.points.size() - 2];
  if (last.at == before.at) return kAbsent;
  const double step = counter && last.value < before.value ? last.value : last.value - before.value;
  return counter ? step / in_seconds(last.at - before.at) : step;
}

double irate(const Window& window) {
  return last_step(window, true);
}
double idelta(const Window& window) {
  return last_step(window, false);
}

double changes(const Window& window) {
  double changes = 0;
  for (std::size_t i = 1; i < window.points.size(); ++i) {
    const double now = window.points[i].value;
    const double before = window.points[i - 1].value;
    if (now != before && !(std::isnan(now) && std::isnan(before))) ++changes;
  }
  return changes;
}

double resets(const Window& window) {
  double resets = 0;
  for (std::size_t i = 1; i < window.points.size(); ++i) {
    if (window.points[i].value < window.points[i - 1].value) ++resets;
  }
  return resets;
}

}  // namespace

RangeFunction rate_function(FunctionId id) {
  switch (id) {
    case FunctionId::changes:
      return changes;
    case FunctionId::delta:
      return delta;
    case FunctionId::idelta:
      return idelta;
    case FunctionId::increase:
      return increase;
    case FunctionId::irate:
      return irate;
    case FunctionId::rate:
      return rate;
    case FunctionId::resets:
      return resets;
    default:
      return nullptr;
  }
}

}  // namespace qw::promql
