// The evaluator: any expression that parses comes to a value or to an error, within its limits, and the same
// out of a prefetched copy of the data as out of the data.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "daemon/promql/evaluator.hpp"
#include "daemon/promql/parser.hpp"
#include "daemon/store/store.hpp"
#include "tests/promql/memory_source.hpp"

namespace {

using qw::promql::Millis;

constexpr Millis kStart = 1'700'000'000'000;

const qw::promql::MemorySource& data() {
  static const auto source = [] {
    qw::promql::MemorySource made;
    const double odd[] = {0, 1, 5, 2.5, -3, qw::store::stale_marker(), 1e300, 7};
    for (const char* const name : {"a", "b_total", "c_bucket"}) {
      for (const char* const value : {"x", "y", "0.5", "+Inf"}) {
        std::vector<qw::promql::Point> points;
        for (Millis i = 0; i < 40; ++i) {
          points.push_back({.at = kStart + i * 15'000, .value = static_cast<double>(i) + odd[i % 8]});
        }
        made.add({{"__name__", name}, {"l", value}, {"le", value}}, points);
      }
    }
    return made;
  }();
  return source;
}

bool same(const qw::Result<qw::promql::Answer>& a, const qw::Result<qw::promql::Answer>& b) {
  if (!a || !b) return !a && !b;
  const auto* const x = std::get_if<qw::promql::Vector>(&a->value);
  const auto* const y = std::get_if<qw::promql::Vector>(&b->value);
  if (x && y) return x->size() == y->size();
  return a->value.index() == b->value.index();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  // The first byte chooses the options; the rest is the expression.
  if (size == 0 || size > 300) return 0;
  const auto expr = qw::promql::parse({reinterpret_cast<const char*>(bytes + 1), size - 1});
  if (!expr) return 0;
  qw::promql::Options options;
  options.closed_ranges = (bytes[0] & 1) != 0;
  options.delayed_name_removal = (bytes[0] & 2) != 0;
  options.max_samples = 20'000;
  // Time is up after so many questions, as a clock would have it.
  int left = 0;
  options.expired = [&left] { return --left < 0; };
  const Millis now = kStart + 400'000;
  const qw::promql::Times instant{.start = now, .end = now, .step = 0};
  if (qw::promql::reach(**expr, options) < 0) std::abort();
  left = 50;
  const auto direct = qw::promql::evaluate(**expr, data(), now, options);
  const qw::promql::Prefetched prefetched(**expr, data(), instant, options);
  left = 50;
  if (!same(direct, qw::promql::evaluate(**expr, prefetched, now, options))) std::abort();
  left = 50;
  (void)qw::promql::evaluate_range(**expr, data(), {.start = now, .end = now + 300'000, .step = 61'000},
                                   options);
  return 0;
}
