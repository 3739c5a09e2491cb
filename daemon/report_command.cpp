#include "daemon/report_command.hpp"

#include <fmt/format.h>

#include <ostream>
#include <set>

#include "daemon/base/text.hpp"
#include "daemon/chronicle.hpp"
#include "daemon/journal/journal_files.hpp"
#include "daemon/journal/report.hpp"
#include "daemon/rule_service.hpp"

namespace qw {
namespace {

constexpr int kBadUsage = 2;

/// That the journal has nothing about a target may mean that all was well, or that it is another one.
void say_what_is_meant(const std::string& wanted, const std::vector<journal::Event>& events,
                       std::ostream& err) {
  std::set<std::string, std::less<>> names;
  for (const auto& event : events) {
    if (event.target.name.empty()) continue;
    if (journal::is_about(event, wanted)) return;
    names.insert(event.target.name);
  }
  const std::vector<std::string_view> all(names.begin(), names.end());
  const auto near = nearest(wanted, all);
  err << fmt::format("quorumwatch: the journal has nothing about '{}'{}\n", sanitize(wanted),
                     near ? fmt::format("; did you mean '{}'?", *near) : "");
}

}  // namespace

int report_command(const Flags& flags, std::ostream& out, std::ostream& err) {
  const auto folder = state_folder(flags.storage_path);
  if (folder.empty()) {
    err << "quorumwatch: report needs --storage.path, where the daemon keeps its journal\n";
    return kBadUsage;
  }
  const auto journal = journal_folder(folder);
  std::vector<journal::Event> events;
  const auto read =
      journal::read_journal(journal, [&](journal::Event event) { events.push_back(std::move(event)); });
  if (!read) {
    err << fmt::format("quorumwatch: {}\n", read.error().message());
    return 1;
  }
  if (!read->last_alive) {
    err << fmt::format("quorumwatch: there is no journal in {}\n", journal);
    return 1;
  }
  if (!flags.target.empty()) say_what_is_meant(flags.target, events, err);
  journal::ReportOptions options;
  const SystemClock clock;
  options.to = clock.wall();
  options.from = options.to - flags.since;
  options.target = flags.target;
  options.skipped_lines = read->skipped;
  options.last_alive = read->last_alive;
  out << journal::write_report(std::move(events), options);
  out.flush();
  return out ? 0 : 1;
}

}  // namespace qw
