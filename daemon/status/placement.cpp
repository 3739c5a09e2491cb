#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "daemon/placement/claims.hpp"
#include "daemon/status/row_list.hpp"
#include "daemon/status/sections.hpp"
#include "daemon/status/words.hpp"

namespace qw::status {
namespace {

constexpr RowList::Limits kRows{.rows = 12, .bytes = 2'400};
constexpr std::size_t kMostSilent = 3;

using placement::Standing;

/// "10.0.0.3:10979, 10.0.0.4:10979 and 2 more".
std::string names_of(const std::vector<std::string>& peers) {
  std::string out;
  for (std::size_t i = 0; i < std::min(kMostSilent, peers.size()); ++i) out += (i ? ", " : "") + peers[i];
  if (peers.size() > kMostSilent) out += fmt::format(" and {} more", peers.size() - kMostSilent);
  return out;
}

std::string who_asks(const Standing& standing) {
  if (!standing.decided) return "not yet known: the other daemons are being asked";
  if (!standing.here) return standing.asker;
  return standing.asker.empty() ? "this daemon" : "this daemon and " + standing.asker;
}

/// What is uncertain about it; empty: nothing is.
std::string doubt(const Standing& standing) {
  if (standing.here && !standing.asker.empty()) return "it is moving: both ask for a moment";
  if (standing.silent.empty()) return "";
  const auto* verb = standing.silent.size() == 1 ? "does" : "do";
  const auto silent = fmt::format("{} {} not answer", names_of(standing.silent), verb);
  return standing.here ? silent + ": it may be asked from there, too" : silent;
}

void write_row(Html& html, const TargetId& target, const Standing& standing) {
  const auto line = html.in("tr");
  html.leaf("th", {{"scope", "row"}}, target.system + " " + target.name);
  html.leaf("td", {{"data-n", "asked by"}}, who_asks(standing));
  const auto text = doubt(standing);
  html.leaf("td", {{"data-n", "doubt"}, {"class", text.empty() ? "good" : "part"}},
            text.empty() ? "none" : text);
}

}  // namespace

/// Those with a doubt first.
void write_placement(const View& view, Html& html) {
  if (view.placement.empty()) return;
  std::vector<std::pair<const TargetId*, const Standing*>> rows;
  for (const auto& [target, standing] : view.placement) rows.emplace_back(&target, &standing);
  std::ranges::sort(rows, {}, [](const auto& row) {
    return std::tuple<bool, const TargetId&>(doubt(*row.second).empty(), *row.first);
  });
  const auto section = begin_section(html, "placement", "Asked by one daemon at a time");
  RowList list(html, kRows);
  {
    const auto table = html.in("table");
    {
      const auto head = html.in("thead");
      const auto line = html.in("tr");
      for (const std::string_view name : {"target", "asked by", "doubt"})
        html.leaf("th", {{"scope", "col"}}, name);
    }
    const auto body = html.in("tbody");
    for (const auto& [target, standing] : rows) {
      const auto write = [&](Html& row) { write_row(row, *target, *standing); };
      if (!list.add(write)) break;
    }
  }
  list.finish(html, rows.size(), "; /api/v1/placement has all");
}

}  // namespace qw::status
