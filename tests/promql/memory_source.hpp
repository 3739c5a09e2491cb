#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/base/pattern.hpp"
#include "daemon/promql/source.hpp"

namespace qw::promql {

/// Series in memory. They come in the order in which they were first added, or in that of their labels: of
/// equal elements the first may win.
class MemorySource final : public Source {
 public:
  enum class Order : std::uint8_t { added, labels };
  explicit MemorySource(Order order = Order::added) : order_(order) {}

  /// Adds points, replacing those at the same times.
  void add(const Labels& labels, const std::vector<Point>& points);
  /// A series that an evaluation must not touch, because we can not hold its samples; `why` says so.
  void forbid(const Labels& labels, const std::string& why);
  void clear();
  std::size_t size() const { return series_.size(); }

  std::vector<Series> select(std::span<const store::Matcher> matchers, Millis from, Millis to) const override;
  Selection fetch(std::span<const store::Matcher> matchers, Millis from, Millis to, Need need) const override;
  /// Why the selections since the last question can not be right, if they can not.
  std::optional<std::string> take_forbidden() const;

 private:
  bool matches(std::span<const store::Matcher> matchers, const Labels& labels) const;

  /// The places of all series that may match, in order.
  std::vector<std::size_t> candidates(std::span<const store::Matcher> matchers) const;

  Order order_;
  std::vector<Series> series_;
  std::map<Labels, std::size_t> places_;
  std::map<std::string, std::vector<std::size_t>, std::less<>> by_name_;
  std::map<Labels, std::string> forbidden_;
  mutable std::optional<std::string> touched_;
  mutable std::map<std::string, std::optional<Pattern>> patterns_;
};

}  // namespace qw::promql
