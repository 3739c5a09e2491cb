#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "daemon/model/labels.hpp"

namespace qw {

enum class MetricType : std::uint8_t { gauge, counter, histogram };
std::string_view name(MetricType type);

/// One metric family. Every family is a constant with static lifetime beside the signal or probe that reports
/// it; the metric reference (`quorumwatch metrics`) is printed from these.
struct MetricFamily {
  std::string_view name;  ///< "quorumwatch_leaders"
  MetricType type;
  std::string_view help;  ///< one line, a full sentence without line breaks
  std::string_view
      labels;  ///< besides system and target, space separated: "member method"; for the reference
};

/// One time series: a family and its labels (system and target among them).
struct Series {
  const MetricFamily* family;
  /// What follows the family's name in this series: "" or, in a histogram, "_bucket", "_sum", "_count".
  std::string_view suffix;
  PackedLabels labels;

  /// The same name, suffix and labels; the family may be another object.
  bool is_same(const Series& other) const;
  /// Equal for series that are the same.
  std::size_t hash() const;
};
using SeriesPtr = std::shared_ptr<const Series>;
/// For maps by what a series is, and not by where it lies: a probe may make the same one again.
struct SameSeries {
  std::size_t operator()(const SeriesPtr& series) const { return series->hash(); }
  bool operator()(const SeriesPtr& a, const SeriesPtr& b) const { return a == b || a->is_same(*b); }
};
class PageLayout;

/// `quorumwatch_leaders{system="etcd",target="control-plane"} `, escaped for the text formats, ready to be
/// followed by the value. A series does not keep it: the text of each is once in memory, in a PageLayout.
void append_line_prefix(std::string& out, const Series& series);
std::string line_prefix(const Series& series);
/// How long it is, where nothing in it must be escaped.
std::size_t line_prefix_bytes(const Series& series);

struct Sample {
  SeriesPtr series;
  double value;
};

/// Where signals and probes write their samples. It keeps the series of one target, so that a sample that
/// comes again in every round costs a look-up and no label text. Labels system and target are added to each.
class Samples {
 public:
  Samples(std::string_view system, std::string_view target);

  struct Label {
    std::string_view name;
    std::string_view value;
  };
  /// `out.add(kLeaderClaim, 1, {{"member", member}});` Each name once, in any order, and neither system nor
  /// target. The suffix must be a literal.
  void add(const MetricFamily& family, double value, std::initializer_list<Label> labels = {},
           std::string_view suffix = {}) {
    add(family, value, std::span(labels.begin(), labels.size()), suffix);
  }
  void add(const MetricFamily& family, double value, std::span<const Label> labels,
           std::string_view suffix = {});

  /// The name that the target has in the configuration.
  std::string_view target() const { return target_; }

  /// The samples added since the last take, in order. Series that no round used for `kForgetAfter` takes are
  /// forgotten; sooner where they are many.
  std::vector<Sample> take();
  /// Of the samples of the last take.
  std::shared_ptr<const PageLayout> layout() const { return layout_; }

 private:
  static constexpr unsigned kForgetAfter = 60;
  static constexpr unsigned kSweepEvery = 8;
  /// What a sample is to be of.
  struct Wanted {
    const MetricFamily* family;
    std::span<const Label> labels;
    std::string_view suffix;
    bool operator==(const Series& series) const;
    std::size_t hash() const noexcept;
  };
  struct Entry {
    SeriesPtr series;
    std::size_t hash;
    /// What came after it in the last round that used it: mostly it does again, and a sample costs one
    /// comparison.
    mutable const Entry* next;
    mutable std::uint32_t last_used;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(const Entry& entry) const noexcept { return entry.hash; }
    std::size_t operator()(const Wanted& wanted) const noexcept { return wanted.hash(); }
  };
  struct Same {
    using is_transparent = void;
    bool operator()(const Entry& a, const Entry& b) const { return a.series == b.series; }
    bool operator()(const Wanted& wanted, const Entry& entry) const { return wanted == *entry.series; }
    bool operator()(const Entry& entry, const Wanted& wanted) const { return wanted == *entry.series; }
  };

  const Entry& find_or_make(const Wanted& wanted);
  void forget();

  std::string system_, target_;
  std::unordered_set<Entry, Hash, Same> series_;
  std::vector<Sample> samples_;
  const Entry* first_ = nullptr;  ///< of the last round
  const Entry* last_ = nullptr;   ///< of this round, so far
  std::shared_ptr<const PageLayout> layout_;
  std::uint32_t round_ = 0;
};

}  // namespace qw
