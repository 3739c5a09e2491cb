// Writes the page in two passes over the samples: the first finds out where each family's lines begin, the
// second copies each line's cached start and its value there. Through prometheus-cpp the same page costs
// twenty times as much.
#include "daemon/export/page.hpp"

#include <prometheus/metric_family.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <unordered_map>
#include <utility>

#include "daemon/export/number.hpp"

namespace qw::exporting {
namespace {

/// What the page says of one family: lines of the store, or text of the daemon's own metrics.
struct Block {
  std::string_view name;
  std::string_view type;
  std::string_view help;
  std::size_t lines_bytes = 0;  ///< of its lines in the store
  std::size_t index = 0;        ///< by which the lines name it
  std::string own;
};

struct Line {
  std::string_view prefix;
  std::uint32_t block;
  std::uint32_t number_bytes;  ///< of its value in Lines::numbers
};

/// The samples of the store in their own order, which is that of memory; reading them family by family would
/// miss the caches and the TLB at each line.
struct Lines {
  std::vector<Line> lines;
  std::string numbers;  ///< the values as text, one after the other
};

constexpr std::string_view kTotal = "_total";

void append_escaped(std::string& out, std::string_view text, bool quotes) {
  for (const char c : text) {
    switch (c) {
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '"':
        out += quotes ? "\\\"" : "\"";
        break;
      default:
        out += c;
    }
  }
}

/// Finds the family of each sample and how long its line will be. Most targets report the same families in
/// the same order, so the family that followed last time is tried before the table is asked.
class Survey {
 public:
  explicit Survey(const store::Snapshot& snapshot) {
    std::size_t samples = 0;
    for (const auto& round : snapshot.rounds) samples += round->samples.size();
    out_.lines.reserve(samples);
    out_.numbers.resize_and_overwrite(samples * kMaxNumber, [&](char* begin, std::size_t) {
      char* to = begin;
      for (const auto& round : snapshot.rounds) to = add_all(round->samples, to);
      return static_cast<std::size_t>(to - begin);
    });
  }

  std::vector<Block> blocks;
  Lines take() { return std::move(out_); }

 private:
  char* add_all(const std::vector<Sample>& samples, char* numbers) {
    for (std::size_t i = 0; i < samples.size(); ++i) {
      // Series lie all over the heap, so each is asked for before it is its turn.
      constexpr std::size_t kAhead = 12;
      if (i + kAhead < samples.size()) prefetch(*samples[i + kAhead].series);
      numbers = add(samples[i], numbers);
    }
    return numbers;
  }

  static void prefetch(const Series& series) {
    __builtin_prefetch(&series.family);
    __builtin_prefetch(&series.line_prefix);
  }

  char* add(const Sample& sample, char* number) {
    const auto& series = *sample.series;
    last_ = find(*series.family);
    char* end = write_number(number, sample.value);
    const auto number_bytes = static_cast<std::uint32_t>(end - number);
    out_.lines.push_back({series.line_prefix, static_cast<std::uint32_t>(last_), number_bytes});
    blocks[last_].lines_bytes += series.line_prefix.size() + number_bytes + 1;
    return end;
  }

  std::size_t find(const MetricFamily& family) {
    if (!families_.empty()) {
      if (families_[last_] == &family) return last_;
      const auto guess = follower_[last_];
      if (families_[guess] == &family) return guess;
    }
    const auto [found, is_new] = index_.try_emplace(&family, blocks.size());
    if (is_new) {
      blocks.push_back({family.name, name(family.type), family.help, 0, blocks.size(), {}});
      families_.push_back(&family);
      follower_.push_back(0);
    }
    follower_[last_] = found->second;
    return found->second;
  }

  Lines out_;
  std::vector<const MetricFamily*> families_;
  std::vector<std::size_t> follower_;
  std::unordered_map<const MetricFamily*, std::size_t> index_;
  std::size_t last_ = 0;
};

/// The daemon's own families as text. They are few, so clarity goes before speed here.
class OwnWriter {
 public:
  explicit OwnWriter(PageFormat format) : format_(format) {}

  std::string write(const prometheus::MetricFamily& family) {
    out_.clear();
    for (const auto& metric : family.metric) write_metric(family, metric);
    return std::move(out_);
  }

 private:
  using Metric = prometheus::ClientMetric;

  void write_metric(const prometheus::MetricFamily& family, const Metric& metric) {
    switch (family.type) {
      case prometheus::MetricType::Counter:
        line(family.name, "", metric, metric.counter.value);
        break;
      case prometheus::MetricType::Gauge:
        line(family.name, "", metric, metric.gauge.value);
        break;
      case prometheus::MetricType::Untyped:
        line(family.name, "", metric, metric.untyped.value);
        break;
      case prometheus::MetricType::Histogram:
        write_histogram(family.name, metric);
        break;
      case prometheus::MetricType::Summary:
        write_summary(family.name, metric);
        break;
    }
  }

  void write_histogram(std::string_view name, const Metric& metric) {
    bool has_infinity = false;
    for (const auto& bucket : metric.histogram.bucket) {
      line(name, "_bucket", metric, static_cast<double>(bucket.cumulative_count), "le", bucket.upper_bound);
      has_infinity = bucket.upper_bound == std::numeric_limits<double>::infinity();
    }
    const auto count = static_cast<double>(metric.histogram.sample_count);
    if (!has_infinity) line(name, "_bucket", metric, count, "le", std::numeric_limits<double>::infinity());
    line(name, "_sum", metric, metric.histogram.sample_sum);
    line(name, "_count", metric, count);
  }

  void write_summary(std::string_view name, const Metric& metric) {
    for (const auto& quantile : metric.summary.quantile) {
      line(name, "", metric, quantile.value, "quantile", quantile.quantile);
    }
    line(name, "_sum", metric, metric.summary.sample_sum);
    line(name, "_count", metric, static_cast<double>(metric.summary.sample_count));
  }

  void line(std::string_view name, std::string_view suffix, const Metric& metric, double value,
            std::string_view extra = {}, double bound = 0) {
    out_ += name;
    out_ += suffix;
    char separator = '{';
    for (const auto& label : metric.label) {
      open_label(separator, label.name);
      append_escaped(out_, label.value, true);
      out_ += '"';
    }
    if (!extra.empty()) {
      open_label(separator, extra);
      write_bound(bound);
      out_ += '"';
    }
    out_ += separator == '{' ? " " : "} ";
    number(value);
    out_ += '\n';
  }

  void open_label(char& separator, std::string_view label) {
    out_ += std::exchange(separator, ',');
    out_ += label;
    out_ += "=\"";
  }

  /// A bound is part of the series' identity, so it is spelled as Go's clients do: "0.0001", "1" and in
  /// OpenMetrics "1.0".
  void write_bound(double bound) {
    const bool whole = std::trunc(bound) == bound;
    if (whole || !std::isfinite(bound)) {
      number(bound);
      if (format_ == PageFormat::open_metrics && std::isfinite(bound)) out_ += ".0";
      return;
    }
    std::array<char, kMaxNumber> text;
    char* end = std::to_chars(text.data(), text.data() + text.size(), bound, std::chars_format::general).ptr;
    out_.append(text.data(), end);
  }

  void number(double value) {
    std::array<char, kMaxNumber> text;
    out_.append(text.data(), write_number(text.data(), value));
  }

  PageFormat format_;
  std::string out_;
};

std::string_view type_name(prometheus::MetricType type, PageFormat format) {
  switch (type) {
    case prometheus::MetricType::Counter:
      return "counter";
    case prometheus::MetricType::Gauge:
      return "gauge";
    case prometheus::MetricType::Summary:
      return "summary";
    case prometheus::MetricType::Histogram:
      return "histogram";
    case prometheus::MetricType::Untyped:
      break;
  }
  return format == PageFormat::open_metrics ? "unknown" : "untyped";
}

void add_own(std::vector<Block>& blocks, const std::vector<prometheus::MetricFamily>& own,
             PageFormat format) {
  OwnWriter writer(format);
  for (const auto& family : own) {
    if (family.metric.empty()) continue;
    blocks.push_back(
        {family.name, type_name(family.type, format), family.help, 0, blocks.size(), writer.write(family)});
  }
  // Of two blocks of one name, that of the store brings the head.
  std::ranges::sort(blocks, {}, [](const Block& block) { return std::pair(block.name, !block.own.empty()); });
}

/// The head of each family, or nothing where the family is a continuation of the one before.
class Heads {
 public:
  Heads(const std::vector<Block>& blocks, PageFormat format) : blocks_(blocks), format_(format) {}

  std::string write(std::size_t i) const {
    const auto& block = blocks_[i];
    if (i > 0 && blocks_[i - 1].name == block.name) return {};
    const bool open_metrics = format_ == PageFormat::open_metrics;
    auto name = block.name;
    auto type = block.type;
    if (open_metrics && type == "counter") {
      // OpenMetrics names the family without _total. Where that name is taken or there is no _total, it is no
      // counter there.
      const bool total = name.ends_with(kTotal);
      const auto base = total ? name.substr(0, name.size() - kTotal.size()) : name;
      const bool is_counter = total && !std::ranges::binary_search(blocks_, base, {}, &Block::name);
      if (is_counter) name = base;
      if (!is_counter) type = "unknown";
    }
    std::string out;
    start(out, "# HELP ", name);
    append_escaped(out, block.help, open_metrics);
    out += '\n';
    start(out, "# TYPE ", name);
    out += type;
    out += '\n';
    if (open_metrics) write_unit(out, name);
    return out;
  }

 private:
  static void start(std::string& out, std::string_view keyword, std::string_view name) {
    out += keyword;
    out += name;
    out += ' ';
  }

  static void write_unit(std::string& out, std::string_view name) {
    for (const std::string_view unit : {"seconds", "bytes", "ratio"}) {
      const bool is_suffix =
          name.size() > unit.size() && name.ends_with(unit) && name[name.size() - unit.size() - 1] == '_';
      if (!is_suffix) continue;
      start(out, "# UNIT ", name);
      out += unit;
      out += '\n';
    }
  }

  const std::vector<Block>& blocks_;
  PageFormat format_;
};

char* copy(char* to, std::string_view text) {
  std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

/// Copies each line to where its block has got to.
void write_lines(const Lines& lines, std::vector<char*>& cursors) {
  const char* number = lines.numbers.data();
  const auto count = lines.lines.size();
  for (std::size_t i = 0; i < count; ++i) {
    constexpr std::size_t kAhead = 8;
    if (i + kAhead < count) __builtin_prefetch(lines.lines[i + kAhead].prefix.data());
    const auto& line = lines.lines[i];
    char*& cursor = cursors[line.block];
    cursor = copy(cursor, line.prefix);
    cursor = copy(cursor, {number, line.number_bytes});
    *cursor++ = '\n';
    number += line.number_bytes;
  }
}

}  // namespace

std::string write_page(const store::Snapshot& snapshot, const std::vector<prometheus::MetricFamily>& own,
                       PageFormat format) {
  Survey survey(snapshot);
  const auto lines = survey.take();
  auto blocks = std::move(survey.blocks);
  add_own(blocks, own, format);

  const Heads heads(blocks, format);
  std::vector<std::string> head_texts;
  head_texts.reserve(blocks.size());
  const std::string_view end = format == PageFormat::open_metrics ? "# EOF\n" : "";
  std::size_t bytes = end.size();
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    head_texts.push_back(heads.write(i));
    bytes += head_texts.back().size() + blocks[i].lines_bytes + blocks[i].own.size();
  }

  std::string page;
  page.resize_and_overwrite(bytes, [&](char* to, std::size_t) {
    std::vector<char*> cursors(blocks.size());
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      to = copy(to, head_texts[i]);
      cursors[blocks[i].index] = to;
      to = copy(to + blocks[i].lines_bytes, blocks[i].own);
    }
    copy(to, end);
    write_lines(lines, cursors);
    return bytes;
  });
  return page;
}

}  // namespace qw::exporting
