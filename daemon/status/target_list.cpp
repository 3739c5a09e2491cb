#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "daemon/status/row_list.hpp"
#include "daemon/status/sections.hpp"
#include "daemon/status/words.hpp"

namespace qw::status {
namespace {

constexpr RowList::Limits kFailing{.rows = 20, .bytes = 4'500};
constexpr RowList::Limits kAll{.rows = 400, .bytes = 20'000};
constexpr std::size_t kMostReasons = 3;

bool is_failing(const Round& round) {
  return !round.success || !round.facts.unanswered.empty();
}

void write_reasons(Html& html, const Round& round) {
  const auto cell = html.in("td", {{"data-n", "why"}});
  const auto list = html.in("ul", {{"class", "plain"}});
  if (!round.reason.empty()) html.leaf("li", round.reason);
  const auto& unanswered = round.facts.unanswered;
  for (std::size_t i = 0; i < std::min(kMostReasons, unanswered.size()); ++i) {
    html.leaf("li", fmt::format("{}: {}", unanswered[i].member, unanswered[i].error.message()));
  }
  if (unanswered.size() > kMostReasons) {
    html.leaf("li", {{"class", "more"}}, fmt::format("and {} more", unanswered.size() - kMostReasons));
  }
}

/// Without times: what fails goes on failing, and the section should stay as it is.
void write_failing(Html& html, const Round& round) {
  const auto line = html.in("tr");
  {
    const auto cell = html.in("th", {{"scope", "row"}});
    write_target(html, round.target);
  }
  html.leaf("td", {{"data-n", "state"}, {"class", round.success ? "part" : "bad"}},
            round.success ? "answers in part" : "does not answer");
  write_reasons(html, round);
}

void write_failing_ones(const std::vector<const Round*>& failing, Html& html) {
  RowList rows(html, kFailing);
  {
    const auto table = html.in("table");
    {
      const auto head = html.in("thead");
      const auto line = html.in("tr");
      for (const std::string_view name : {"target", "state", "why"}) {
        html.leaf("th", {{"scope", "col"}}, name);
      }
    }
    const auto body = html.in("tbody");
    for (const auto* round : failing) {
      const auto write = [&](Html& row) { write_failing(row, *round); };
      if (!rows.add(write)) break;
    }
  }
  rows.finish(html, failing.size(), " that fail");
}

void write_link(Html& html, const Round& round) {
  const bool all = round.facts.unanswered.empty();
  const auto item = html.in("li", {{"class", !round.success ? "bad" : all ? "good" : "part"}});
  const auto mark = !round.success ? "\xE2\x9C\x95 " : all ? "\xE2\x9C\x93 " : "~ ";
  html.leaf("a", {{"href", path_of(round.target)}}, mark + round.target.name);
}

/// All of them, system by system; how many there was room for.
std::size_t write_links(const std::vector<RoundPtr>& rounds, Html& html) {
  std::size_t shown = 0, bytes = 0;
  const auto grid = html.in("div", {{"class", "by-system"}});
  for (auto at = rounds.begin(); at != rounds.end() && bytes < kAll.bytes;) {
    const auto& system = (*at)->target.system;
    const auto end =
        std::find_if(at, rounds.end(), [&](const auto& round) { return round->target.system != system; });
    const auto before = html.size();
    html.leaf("h3", system);
    const auto list = html.in("ul", {{"class", "links"}});
    RowList links(html, {.rows = kAll.rows, .bytes = kAll.bytes - bytes});
    for (; at != end; ++at, ++shown) {
      const auto write = [&](Html& row) { write_link(row, **at); };
      if (!links.add(write)) return shown;
    }
    bytes += html.size() - before;
  }
  return shown;
}

}  // namespace

void write_target_list(const View& view, Html& html) {
  const auto& rounds = view.snapshot->rounds;
  if (rounds.empty()) return;
  const auto section = begin_section(html, "targets", "Targets");
  std::vector<const Round*> failing;
  for (const auto& round : rounds) {
    if (is_failing(*round)) failing.push_back(round.get());
  }
  std::ranges::sort(failing, {}, [](const Round* round) {
    return std::tuple<bool, const TargetId&>(round->success, round->target);
  });
  if (!failing.empty()) write_failing_ones(failing, html);
  const auto shown = write_links(rounds, html);
  if (shown < rounds.size()) {
    html.leaf("p", {{"class", "more"}},
              fmt::format("and {} more; /api/v1/targets has all", rounds.size() - shown));
  }
  html.leaf("p", {{"class", "soft"}},
            "\xE2\x9C\x93 answers, ~ answers in part, \xE2\x9C\x95 does not answer");
}

}  // namespace qw::status
