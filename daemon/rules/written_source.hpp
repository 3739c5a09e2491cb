#pragma once
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "daemon/promql/source.hpp"
#include "daemon/store/store.hpp"

namespace qw::rules {

/// What the rules of one cycle have written so far, all at the same time. A later stale marker for a series
/// that has a value is ignored, a value in place of a stale marker is not.
class WrittenSamples {
 public:
  void clear(promql::Millis at);
  /// False when the series has a value in this cycle already.
  bool add(const promql::SeriesLabelsPtr& labels, double value);
  /// The series must be there.
  double value_of(const promql::SeriesLabels& labels) const;

  promql::Millis at() const { return at_; }
  bool empty() const { return samples_.empty(); }
  struct Sample {
    promql::SeriesLabelsPtr labels;
    double value = 0;
  };
  /// Of one name, in the order in which they were written.
  struct Named {
    std::vector<Sample> samples;
    std::unordered_multimap<std::uint64_t, std::size_t> places;  ///< by the hash of the labels
    const Sample* find(const promql::SeriesLabels& labels) const;
  };
  using ByName = std::map<std::string, Named, std::less<>>;
  const ByName& samples() const { return samples_; }
  /// All of it; there is nothing then.
  ByName take() { return std::exchange(samples_, {}); }
  /// `under` with what was written on top, where the matchers find it.
  promql::Source::Selection on_top_of(promql::Source::Selection under,
                                      std::span<const store::Matcher> matchers, promql::Millis from,
                                      promql::Millis to) const;

 private:
  std::vector<const Sample*> matching(std::span<const store::Matcher> matchers, promql::Millis from,
                                      promql::Millis to) const;
  void put_on_top(std::vector<promql::Source::Series>& series, const std::vector<const Sample*>& top) const;

  promql::Millis at_ = 0;
  ByName samples_;
};

/// A source with those samples on top. It refers to both.
class WrittenSource final : public promql::Source {
 public:
  WrittenSource(const promql::Source& base, const WrittenSamples& written) : base_(base), written_(written) {}
  std::vector<Series> select(std::span<const store::Matcher> matchers, promql::Millis from,
                             promql::Millis to) const override;
  Selection fetch(std::span<const store::Matcher> matchers, promql::Millis from, promql::Millis to,
                  Need need) const override;

 private:
  const promql::Source& base_;
  const WrittenSamples& written_;
};

}  // namespace qw::rules
