#include "daemon/model/page_layout.hpp"

#include <algorithm>
#include <unordered_map>

namespace qw {
namespace {

/// Samples of each family, by first appearance.
class Families {
 public:
  explicit Families(std::span<const Sample> samples) {
    for (const auto& sample : samples) ++counts_[find(sample.series->family)];
  }
  std::span<const MetricFamily* const> families() const { return families_; }
  std::span<const std::uint32_t> counts() const { return counts_; }

  std::size_t find(const MetricFamily* family) {
    if (last_ < families_.size() && families_[last_] == family) return last_;
    const auto [found, is_new] = index_.try_emplace(family, families_.size());
    if (is_new) {
      families_.push_back(family);
      counts_.push_back(0);
    }
    return last_ = found->second;
  }

 private:
  std::vector<const MetricFamily*> families_;
  std::vector<std::uint32_t> counts_;
  std::unordered_map<const MetricFamily*, std::size_t> index_;
  std::size_t last_ = 0;
};

}  // namespace

/// The lines of one family in an earlier layout. Most series come again, and in the same order.
class PageLayout::Earlier {
 public:
  Earlier(const PageLayout* layout, const MetricFamily* family) : layout_(layout) {
    if (!layout_) return;
    const auto run = std::ranges::find(layout_->runs_, family, &Run::family);
    if (run == layout_->runs_.end()) return;
    next_ = run->begin;
    end_ = run->end;
    text_begin_ = run->prefix_begin;
  }

  /// The line's start, and whether it is there: a few lines may have gone since.
  bool append(std::string& out, const SeriesPtr& series) {
    constexpr std::uint32_t kFar = 16;
    auto begin = text_begin_;
    for (auto i = next_; i < std::min(next_ + kFar, end_); ++i) {
      const auto& line = layout_->lines_[i];
      if (layout_->series_[line.sample] == series) {
        out.append(layout_->prefixes_, begin, line.prefix_end - begin);
        next_ = i + 1;
        text_begin_ = line.prefix_end;
        return true;
      }
      begin = line.prefix_end;
    }
    return false;
  }

 private:
  const PageLayout* layout_;
  std::uint32_t next_ = 0, end_ = 0, text_begin_ = 0;
};

PageLayout::PageLayout(std::span<const Sample> samples, const PageLayout* before) {
  Families families(samples);
  std::uint32_t begin = 0;
  for (std::size_t i = 0; i < families.families().size(); ++i) {
    const auto end = begin + families.counts()[i];
    runs_.push_back({.family = families.families()[i], .begin = begin, .end = begin});
    begin = end;
  }
  series_.reserve(samples.size());
  lines_.resize(samples.size());
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    auto& run = runs_[families.find(samples[i].series->family)];
    lines_[run.end++].sample = static_cast<std::uint32_t>(i);
    series_.push_back(samples[i].series);
    bytes += line_prefix_bytes(*samples[i].series);
  }
  prefixes_.reserve(bytes);
  for (auto& run : runs_) {
    Earlier earlier(before, run.family);
    run.prefix_begin = static_cast<std::uint32_t>(prefixes_.size());
    for (auto i = run.begin; i < run.end; ++i) {
      const auto& series = series_[lines_[i].sample];
      if (!earlier.append(prefixes_, series)) append_line_prefix(prefixes_, *series);
      lines_[i].prefix_end = static_cast<std::uint32_t>(prefixes_.size());
    }
  }
}

bool PageLayout::is_of(std::span<const Sample> samples) const {
  return std::ranges::equal(samples, series_, {}, &Sample::series);
}

}  // namespace qw
