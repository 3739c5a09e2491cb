#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
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

/// One time series: a family and its labels (system and target among them), with the text that starts each of
/// its lines.
struct Series {
  const MetricFamily* family;
  /// What follows the family's name in this series: "" or, in a histogram, "_bucket", "_sum", "_count".
  std::string_view suffix;
  Labels labels;
  /// `quorumwatch_leaders{system="etcd",target="control-plane"} `, escaped for the text formats, ready to be
  /// followed by the value. Built once, as this is most of what a scrape costs (facts/peers.md 4).
  std::string line_prefix;
};
using SeriesPtr = std::shared_ptr<const Series>;
class PageLayout;

std::string make_line_prefix(std::string_view name, const Labels& labels);

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
  /// `out.add(kLeaderClaim, 1, {{"member", member}});` The suffix must be a literal.
  void add(const MetricFamily& family, double value, std::initializer_list<Label> labels = {},
           std::string_view suffix = {}) {
    add(family, value, std::span(labels.begin(), labels.size()), suffix);
  }
  void add(const MetricFamily& family, double value, std::span<const Label> labels,
           std::string_view suffix = {});

  /// The name that the target has in the configuration.
  std::string_view target() const { return target_; }

  /// The samples added since the last take, in order. Series that no round used for `kForgetAfter` takes are
  /// forgotten.
  std::vector<Sample> take();
  /// Of the samples of the last take.
  std::shared_ptr<const PageLayout> layout() const { return layout_; }

 private:
  static constexpr unsigned kForgetAfter = 60;
  struct Entry {
    SeriesPtr series;
    std::uint64_t last_used;
  };
  std::string system_, target_;
  std::unordered_map<std::string, Entry> series_;
  std::vector<Sample> samples_;
  std::shared_ptr<const PageLayout> layout_;
  std::uint64_t round_ = 0;
  std::string key_;  // reused
};

}  // namespace qw
