// Writes the page family by family. The lines of a family in one target lie side by side in the target's
// layout, so that a line costs a copy and a number. Through prometheus-cpp the same page costs forty times as
// much.
#include "daemon/export/page.hpp"

#include <prometheus/metric_family.h>

#include <algorithm>
#include <cstring>
#include <unordered_map>
#include <utility>

#include "daemon/export/number.hpp"
#include "daemon/export/own_families.hpp"

namespace qw::exporting {
namespace {

/// The lines of one family in one target.
struct Piece {
  std::span<const PageLayout::Line> lines;
  const char* prefixes;   ///< of the layout
  std::uint32_t begin;    ///< of the first line's, in prefixes
  const Sample* samples;  ///< of the round

  /// More than write() needs.
  std::size_t bytes() const { return lines.back().prefix_end - begin + lines.size() * (kMaxNumber + 1); }

  char* write(char* to) const {
    std::uint32_t at = begin;
    for (const auto& line : lines) {
      std::memcpy(to, prefixes + at, line.prefix_end - at);
      to = write_number(to + (line.prefix_end - at), samples[line.sample].value);
      *to++ = '\n';
      at = line.prefix_end;
    }
    return to;
  }

  /// Each piece lies somewhere else, so what it reads is asked for while those before it are written.
  void prefetch_lines() const { __builtin_prefetch(lines.data()); }
  void prefetch() const {
    constexpr std::size_t kCacheLine = 64, kMost = 32;
    const std::size_t bytes = lines.back().prefix_end - begin;
    for (std::size_t i = 0; i < std::min(bytes, kMost * kCacheLine); i += kCacheLine) {
      __builtin_prefetch(prefixes + begin + i);
    }
    for (const auto& line : lines.first(std::min(lines.size(), kMost))) {
      __builtin_prefetch(&samples[line.sample].value);
    }
  }
};

char* write_pieces(char* to, std::span<const Piece> pieces) {
  constexpr std::size_t kNear = 2, kFar = 8;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (i + kFar < pieces.size()) pieces[i + kFar].prefetch_lines();
    if (i + kNear < pieces.size()) pieces[i + kNear].prefetch();
    to = pieces[i].write(to);
  }
  return to;
}

/// What the page says of one family: lines of the store, or text of the daemon's own metrics.
struct Block {
  std::string_view name;
  std::string_view type;
  std::string_view help;
  std::vector<Piece> pieces;
  std::string own;
};

constexpr std::string_view kTotal = "_total";

/// Finds the pieces of each family, in the order of the targets.
class Survey {
 public:
  explicit Survey(const store::Snapshot& snapshot) {
    for (const auto& round : snapshot.rounds) add(*round);
    for (const auto& round : snapshot.derived) add(*round);
  }
  std::vector<Block> blocks;

 private:
  void add(const Round& round) {
    const auto* layout = round.layout.get();
    if (!layout) layout = made_.emplace_back(std::make_unique<PageLayout>(round.samples)).get();
    for (const auto& run : layout->runs()) {
      const auto [found, is_new] = index_.try_emplace(run.family, blocks.size());
      if (is_new) blocks.push_back({run.family->name, name(run.family->type), run.family->help, {}, {}});
      blocks[found->second].pieces.push_back({layout->lines().subspan(run.begin, run.end - run.begin),
                                              layout->prefixes().data(), run.prefix_begin,
                                              round.samples.data()});
    }
  }

  std::unordered_map<const MetricFamily*, std::size_t> index_;
  std::vector<std::unique_ptr<const PageLayout>> made_;
};

void add_own(std::vector<Block>& blocks, const std::vector<prometheus::MetricFamily>& own,
             PageFormat format) {
  for (const auto& family : own) {
    if (family.metric.empty()) continue;
    blocks.push_back(
        {family.name, type_name(family.type, format), family.help, {}, write_own(family, format)});
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

}  // namespace

std::string write_page(const store::Snapshot& snapshot, const std::vector<prometheus::MetricFamily>& own,
                       PageFormat format) {
  Survey survey(snapshot);
  auto& blocks = survey.blocks;
  add_own(blocks, own, format);

  const Heads heads(blocks, format);
  std::vector<std::string> head_texts;
  head_texts.reserve(blocks.size());
  const std::string_view end = format == PageFormat::open_metrics ? "# EOF\n" : "";
  std::size_t most = end.size();
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    head_texts.push_back(heads.write(i));
    most += head_texts.back().size() + blocks[i].own.size();
    for (const auto& piece : blocks[i].pieces) most += piece.bytes();
  }

  std::string page;
  page.resize_and_overwrite(most, [&](char* begin, std::size_t) {
    char* to = begin;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      to = copy(to, head_texts[i]);
      to = write_pieces(to, blocks[i].pieces);
      to = copy(to, blocks[i].own);
    }
    return static_cast<std::size_t>(copy(to, end) - begin);
  });
  return page;
}

}  // namespace qw::exporting
