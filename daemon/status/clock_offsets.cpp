#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "daemon/status/drawings.hpp"
#include "daemon/status/row_list.hpp"
#include "daemon/status/sections.hpp"
#include "daemon/status/words.hpp"

namespace qw::status {
namespace {

constexpr RowList::Limits kTargets{.rows = 12, .bytes = 8'000};
constexpr std::size_t kMostMembers = 12;

struct Clocks {
  const Round* round;
  ClocksRow row;
  std::size_t wrong = 0;
};

std::vector<Clocks> find_clocks(const View& view) {
  std::vector<Clocks> out;
  for (const auto& round : view.snapshot->rounds) {
    auto row = clocks_of(round->samples);
    if (!row) continue;
    const auto wrong = std::ranges::count_if(
        row->members, [&](const ClockRow& member) { return !describe(member, *row).empty(); });
    out.push_back({round.get(), std::move(*row), static_cast<std::size_t>(wrong)});
  }
  std::ranges::sort(out, {}, [](const Clocks& clocks) {
    return std::tuple<bool, const TargetId&>(clocks.wrong == 0, clocks.round->target);
  });
  return out;
}

std::string_view words_of(ClockProof proof) {
  switch (proof) {
    case ClockProof::proved_skewed:
      return "proved skewed";
    case ClockProof::cannot_prove:
      return "can not be proved";
    case ClockProof::proved_in_sync:
      break;
  }
  return "proved in sync";
}
std::string_view class_of_proof(ClockProof proof) {
  return proof == ClockProof::proved_skewed ? "bad" : proof == ClockProof::cannot_prove ? "part" : "good";
}

void write_member(Html& html, const ClockRow& row, const ClocksRow& all) {
  const auto item = html.in("li");
  html.leaf("strong", row.member);
  html.text(" ");
  html.leaf("span", {{"class", class_of_proof(row.proof)}}, words_of(row.proof));
  const auto wrong = describe(row, all);
  if (!wrong.empty()) {
    html.text(": " + wrong);
  } else if (row.offset_seconds) {
    html.text(fmt::format(": {} by {}, give or take {}", *row.offset_seconds < 0 ? "behind" : "ahead",
                          duration(row.offset_seconds), duration(row.bound_seconds)));
  }
}

void write_clocks(Html& html, const Clocks& clocks) {
  const auto figure = html.in("div", {{"class", "clocks"}});
  {
    const auto heading = html.in("h3");
    write_target(html, clocks.round->target);
    if (clocks.row.limit_seconds) {
      html.leaf("span", {{"class", "soft"}}, fmt::format(" limit {}", duration(clocks.row.limit_seconds)));
    }
  }
  write_clock_axis(html, clocks.row, kMostMembers);
  const auto list = html.in("ol", {{"class", "plain"}});
  for (std::size_t i = 0; i < std::min(kMostMembers, clocks.row.members.size()); ++i) {
    write_member(html, clocks.row.members[i], clocks.row);
  }
  if (clocks.row.members.size() > kMostMembers) {
    html.leaf("li", {{"class", "more"}},
              fmt::format("and {} more", clocks.row.members.size() - kMostMembers));
  }
}

}  // namespace

void write_clock_offsets(const View& view, Html& html) {
  const auto found = find_clocks(view);
  if (found.empty()) return;
  const auto section = begin_section(html, "clocks", "Clocks");
  html.leaf(
      "p", {{"class", "soft"}},
      "How far each clock may be from ours: the truth lies within the line, and the band is the limit.");
  RowList targets(html, kTargets);
  {
    const auto grid = html.in("div", {{"class", "clock-grid"}});
    for (const auto& clocks : found) {
      const auto write = [&](Html& row) { write_clocks(row, clocks); };
      if (!targets.add(write)) break;
    }
  }
  targets.finish(html, found.size(), " targets with clocks; those in trouble stand first");
}

}  // namespace qw::status
