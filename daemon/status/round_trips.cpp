#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "daemon/model/wires.hpp"
#include "daemon/status/row_list.hpp"
#include "daemon/status/sections.hpp"
#include "daemon/status/words.hpp"

namespace qw::status {
namespace {

constexpr RowList::Limits kRows{.rows = 48, .bytes = 9'000};

struct Way {
  const Round* round;
  WireRow row;
};

std::vector<Way> find_ways(const View& view) {
  std::vector<Way> out;
  for (const auto& round : view.snapshot->rounds) {
    for (auto& row : wires_of(round->samples)) out.push_back({round.get(), std::move(row)});
  }
  std::ranges::sort(out, {}, [](const Way& way) {
    return std::tuple<bool, const TargetId&, const std::string&, const std::string&>(
        !in_trouble(way.row), way.round->target, way.row.member, way.row.method);
  });
  return out;
}

/// From the same rack to the other side of the world: the class gives the colour, the text says the value.
std::string_view heat_of(const std::optional<double>& seconds) {
  if (!seconds) return "number heat none";
  constexpr std::pair<double, std::string_view> kSteps[] = {{0.0005, "number heat h0"},
                                                            {0.002, "number heat h1"},
                                                            {0.01, "number heat h2"},
                                                            {0.05, "number heat h3"},
                                                            {0.15, "number heat h4"}};
  for (const auto& [below, name] : kSteps) {
    if (*seconds < below) return name;
  }
  return "number heat h5";
}

std::string_view heat_of_loss(const std::optional<double>& ratio) {
  if (!ratio) return "number heat none";
  if (*ratio <= 0) return "number heat h0";
  return *ratio < 0.01 ? "number heat h2" : *ratio < 0.1 ? "number heat h4" : "number heat h5";
}

/// Rounded, so that the section does not change with every packet.
std::string rounded_time(const std::optional<double>& seconds) {
  if (!seconds) return "no answer";
  if (*seconds < 0.001) return fmt::format("{:.0f} us", *seconds * 1e5 * 10);
  return *seconds < 0.01 ? fmt::format("{:.1f} ms", *seconds * 1e3)
                         : fmt::format("{:.0f} ms", *seconds * 1e3);
}
std::string percent(const std::optional<double>& ratio) {
  if (!ratio) return "not told apart";
  return *ratio > 0 && *ratio < 0.001 ? "< 0.1 %" : fmt::format("{:.3g} %", *ratio * 100);
}

void write_way(Html& html, const Way& way) {
  const auto& row = way.row;
  const auto line = html.in("tr");
  {
    const auto cell = html.in("th", {{"scope", "row"}});
    html.leaf("strong", row.member);
    html.leaf("div", {{"class", "soft"}}, fmt::format("{}, by {}", way.round->target.name, row.method));
  }
  html.leaf("td", {{"data-n", "round trip"}, {"class", heat_of(row.seconds)}}, rounded_time(row.seconds));
  html.leaf("td", {{"data-n", "lost"}, {"class", heat_of_loss(row.loss_ratio)}},
            row.loss_ratio ? percent(row.loss_ratio) : "unknown");
  html.leaf("td", {{"data-n", "lost there"}, {"class", heat_of_loss(row.loss_forward_ratio)}},
            percent(row.loss_forward_ratio));
  html.leaf("td", {{"data-n", "lost back"}, {"class", heat_of_loss(row.loss_backward_ratio)}},
            percent(row.loss_backward_ratio));
  const auto cell = html.in("td", {{"data-n", "state"}});
  const auto words = describe(row);
  const bool bad = in_trouble(row);
  html.leaf("span",
            {{"class", bad             ? "bad"
                       : words.empty() ? "good"
                                       : "soft"}},
            words.empty() ? "\xE2\x9C\x93" : words);
}

void write_legend(Html& html) {
  const auto legend = html.in("p", {{"class", "legend soft"}});
  html.text("Colours of the round trip: ");
  const std::pair<std::string_view, std::string_view> steps[] = {
      {"heat h0", "< 0.5 ms"}, {"heat h1", "< 2 ms"},   {"heat h2", "< 10 ms"},
      {"heat h3", "< 50 ms"},  {"heat h4", "< 150 ms"}, {"heat h5", "more"}};
  for (const auto& [name, text] : steps) html.leaf("span", {{"class", name}}, text);
}

}  // namespace

void write_round_trips(const View& view, Html& html) {
  const auto ways = find_ways(view);
  if (ways.empty()) return;
  const auto section = begin_section(html, "round-trips", "Round trips");
  html.leaf("p", {{"class", "soft"}},
            "From this machine to each peer, and what was lost in the last minute.");
  RowList rows(html, kRows);
  {
    const auto table = html.in("table", {{"class", "matrix"}});
    {
      const auto head = html.in("thead");
      const auto line = html.in("tr");
      for (const std::string_view name : {"peer", "round trip", "lost", "lost there", "lost back", "state"}) {
        html.leaf("th", {{"scope", "col"}}, name);
      }
    }
    const auto body = html.in("tbody");
    for (const auto& way : ways) {
      const auto write = [&](Html& row) { write_way(row, way); };
      if (!rows.add(write)) break;
    }
  }
  rows.finish(html, ways.size(), " ways; those in trouble stand first");
  write_legend(html);
}

}  // namespace qw::status
