#include <fmt/format.h>

#include <algorithm>

#include "daemon/base/rfc3339.hpp"
#include "daemon/status/page.hpp"
#include "daemon/status/row_list.hpp"
#include "daemon/status/sections.hpp"
#include "daemon/status/words.hpp"

namespace qw::status {
namespace {

constexpr RowList::Limits kFacts{.rows = 100, .bytes = 20'000};
constexpr RowList::Limits kSamples{.rows = 500, .bytes = 60'000};

std::string epoch_of(const Tenure& tenure) {
  return tenure.epoch ? fmt::format("{}", *tenure.epoch) : "unknown";
}
std::string_view words_of(Claim claim) {
  return claim == Claim::leader ? "leads" : claim == Claim::not_leader ? "does not lead" : "does not say";
}
std::string_view words_of(Role role) {
  return role == Role::leader ? "leader" : role == Role::replica ? "replica" : "unknown";
}
std::string_view words_of(Link link) {
  return link == Link::up ? "up" : link == Link::down ? "down" : "unknown";
}

/// A table of facts: one row an item, cells as text.
template <class Item, class Cells>
void write_table(Html& html, std::string_view title, const std::vector<Item>& items,
                 std::initializer_list<std::string_view> names, RowList::Limits limits, Cells cells_of) {
  if (items.empty()) return;
  html.leaf("h3", title);
  RowList rows(html, limits);
  {
    const auto table = html.in("table");
    {
      const auto head = html.in("thead");
      const auto line = html.in("tr");
      for (const auto name : names) html.leaf("th", {{"scope", "col"}}, name);
    }
    const auto body = html.in("tbody");
    for (const auto& item : items) {
      const auto write = [&](Html& row) {
        const auto line = row.in("tr");
        auto name = names.begin();
        for (const auto& cell : cells_of(item)) row.leaf("td", {{"data-n", *name++}}, cell);
      };
      if (!rows.add(write)) break;
    }
  }
  rows.finish(html, items.size());
}

void write_last_round(Html& html, const Round& round, WallTime now) {
  const auto section = begin_section(html, "round", "Last round");
  const auto list = html.in("dl");
  html.leaf("dt", "state");
  {
    const auto state = html.in("dd");
    const bool all = round.facts.unanswered.empty();
    html.leaf("span",
              {{"class", !round.success ? "bad"
                         : all          ? "good"
                                        : "part"}},
              !round.success ? "\xE2\x9C\x95 does not answer"
              : all          ? "\xE2\x9C\x93 answers"
                             : "~ answers in part");
    if (!round.reason.empty()) html.text(": " + round.reason);
  }
  html.leaf("dt", "began");
  {
    const auto began = html.in("dd");
    write_time(html, round.at, now);
  }
  html.leaf("dt", "took");
  html.leaf("dd", duration(seconds(round.finished - round.started)));
  html.leaf("dt", "round");
  html.leaf("dd", fmt::format("{}", round.number));
}

void write_facts(Html& html, const Round& round) {
  using Cells = std::vector<std::string>;
  const auto section = begin_section(html, "facts", "What its members said");
  const auto& facts = round.facts;
  write_table(html, "Could not be asked", facts.unanswered, {"member", "why"}, kFacts,
              [](const Unanswered& fact) { return Cells{fact.member, fact.error.message()}; });
  write_table(html, "Claims", facts.claims, {"member", "claim", "epoch", "follows"}, kFacts,
              [](const LeadershipClaim& fact) {
                return Cells{fact.member, std::string(words_of(fact.claim)), epoch_of(fact.tenure),
                             fact.follows.value_or("nobody")};
              });
  write_table(html, "Positions", facts.positions, {"member", "role", "position", "link", "said by"}, kFacts,
              [](const ReplicaPosition& fact) {
                return Cells{fact.member, std::string(words_of(fact.role)), fmt::format("{}", fact.position),
                             std::string(words_of(fact.link)), fact.reported_by};
              });
  write_table(html, "Consumer groups", facts.groups, {"group", "members", "topics"}, kFacts,
              [](const ConsumerGroup& fact) {
                return Cells{fact.name, fact.members ? fmt::format("{}", *fact.members) : "unknown",
                             fmt::format("{}", fact.topics.size())};
              });
  write_table(html, "Clocks", facts.clocks, {"member", "source", "it said", "we got it at"}, kFacts,
              [](const ClockReading& fact) {
                return Cells{fact.member, fact.source, format_time(fact.remote),
                             format_time(fact.local_received)};
              });
  html.leaf("p", {{"class", "soft"}},
            fmt::format("Besides {} and {}; /api/v1/targets has every fact.",
                        count(facts.round_trips.size(), "round trip"), count(facts.trains.size(), "train")));
}

void write_samples(Html& html, const Round& round) {
  const auto section = begin_section(html, "samples", "Samples");
  write_table(html, "What is exported", round.samples, {"series", "value"}, kSamples,
              [](const Sample& sample) {
                // The prefix ends in a blank, for the value to follow.
                auto series = line_prefix(*sample.series);
                while (series.ends_with(' ')) series.pop_back();
                return std::vector<std::string>{std::move(series), number(sample.value)};
              });
}

}  // namespace

std::string target_page(const View& view, const Round& round) {
  Html html;
  {
    const auto top = html.in("div", {{"id", "part-top"}});
    const auto heading = html.in("h1");
    html.leaf("span", {{"class", "system"}}, round.target.system);
    html.text(" ");
    html.leaf("strong", round.target.name);
  }
  {
    const auto part = html.in("div", {{"id", "part-wrong"}});
    write_conditions_of(view, round.target, html);
  }
  {
    const auto part = html.in("div", {{"id", "part-round"}});
    write_last_round(html, round, view.wall);
  }
  {
    const auto part = html.in("div", {{"id", "part-timeline"}});
    const auto section = begin_section(html, "timeline", "What changed");
    write_events(view, &round.target, 100, 20'000, html);
  }
  {
    const auto part = html.in("div", {{"id", "part-facts"}});
    write_facts(html, round);
  }
  {
    const auto part = html.in("div", {{"id", "part-samples"}});
    write_samples(html, round);
  }
  const auto title = round.target.system + " " + round.target.name + " \xE2\x80\x93 quorumwatch";
  return page_head(title, "", view.wall) + html.take() + page_tail();
}

}  // namespace qw::status
