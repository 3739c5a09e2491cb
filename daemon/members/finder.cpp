#include "daemon/members/finder.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/base/text.hpp"

namespace qw::members {
namespace {

/// What a worker does, and owns.
struct FileJob {
  std::vector<FileList> lists;
  std::vector<Look> looks;
};

void sort_out(std::vector<std::string>& texts) {
  std::ranges::sort(texts);
  const auto again = std::ranges::unique(texts);
  texts.erase(again.begin(), again.end());
}

void append(std::vector<std::string>& to, const std::vector<std::string>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

std::vector<std::string> fixed_of(const config::AddressSources& sources) {
  std::vector<std::string> out;
  for (const auto& address : sources.addresses) {
    const auto good = sources.rule.canonical ? sources.rule.canonical(address) : Result<std::string>(address);
    if (good) out.push_back(*good);  // others were a problem of the configuration
  }
  return out;
}

bool same_places(const Target& one, const Target& other) {
  return std::ranges::equal(one.keys, other.keys,
                            [](const Key& a, const Key& b) { return a.sources.same_places(b.sources); });
}

Task<void> look_at_files(async::WorkerPool& pool, Targets& targets) {
  auto job = std::make_shared<FileJob>();
  for (const auto& target : targets) {
    for (const auto& key : target.keys) job->lists.push_back(key.files);
  }
  co_await pool.run([job] {
    for (auto& list : job->lists) job->looks.push_back(list.look());
  });
  std::size_t next = 0;
  for (auto& target : targets) {
    for (auto& key : target.keys) {
      key.files = std::move(job->lists[next]);
      key.in_files = std::move(job->looks[next++]);
    }
  }
}

Task<void> look_for_names(const Clock& clock, net::Resolver& resolver, Targets& targets,
                          SteadyTime deadline) {
  std::vector<Key*> asked;
  std::vector<Task<NameList>> tasks;
  const auto now = clock.steady();
  for (auto& target : targets) {
    for (auto& key : target.keys) {
      if (!key.names.due(now)) continue;
      asked.push_back(&key);
      tasks.push_back(NameList::look(key.names, resolver, now, deadline));
    }
  }
  if (tasks.empty()) co_return;
  auto lists = co_await async::all(std::move(tasks));
  for (std::size_t i = 0; i < lists.size(); ++i) asked[i]->names = std::move(lists[i]);
}

}  // namespace

Targets targets_of(const config::Config& config, const Targets& before) {
  Targets out;
  for (const auto& one : config.targets) {
    if (one.sources.empty()) continue;
    Target target{.id = {.system = one.common.system, .name = one.common.name},
                  .read_with = one.read_with,
                  .keys = {},
                  .found = {},
                  .problems = {}};
    for (const auto& sources : one.sources) target.keys.emplace_back(sources);
    const auto known = std::ranges::find(before, target.id, &Target::id);
    if (known != before.end() && same_places(*known, target)) {
      target.keys = known->keys;
      target.found = known->found;
      target.problems = known->problems;
    }
    out.push_back(std::move(target));
  }
  return out;
}

Task<void> look(Tools tools, std::shared_ptr<Targets> targets, SteadyTime deadline) {
  if (targets->empty()) co_return;
  co_await look_at_files(tools.pool, *targets);
  co_await look_for_names(tools.clock, tools.resolver, *targets, deadline);
}

config::Found sum_up(const Target& target) {
  config::Found found;
  for (const auto& key : target.keys) {
    auto& list = found[key.sources.key];
    list = fixed_of(key.sources);
    append(list, key.in_files.addresses);
    append(list, key.names.found().addresses);
    sort_out(list);
  }
  return found;
}

std::vector<std::string> problems_of(const Target& target) {
  std::vector<std::string> out;
  for (const auto& key : target.keys) {
    append(out, key.in_files.problems);
    append(out, key.in_files.absent);
    append(out, key.names.found().problems);
  }
  sort_out(out);
  return out;
}

std::size_t count(const config::Found& found) {
  std::size_t out = 0;
  for (const auto& [key, addresses] : found) out += addresses.size();
  return out;
}

std::uint64_t fingerprint(const config::Found& found) {
  std::string text;
  for (const auto& [key, addresses] : found) text += fmt::format("{}: {}\n", key, fmt::join(addresses, " "));
  return stable_hash(text);
}

Task<config::FoundPlan> plan_with(async::WorkerPool& pool,
                                  std::function<config::FoundPlan(const config::Found&)> read,
                                  config::Found found) {
  auto plan = std::make_shared<config::FoundPlan>();
  co_await pool.run([plan, read = std::move(read), found = std::move(found)] { *plan = read(found); });
  co_return std::move(*plan);
}

Checked check_files(const config::Config& config) {
  Checked out;
  for (auto& target : targets_of(config, {})) {
    const auto before = out.problems.size();
    for (auto& key : target.keys) {
      key.in_files = key.files.look();
      append(out.problems, key.in_files.problems);
      append(out.notes, key.in_files.absent);
      append(out.notes, key.in_files.unmatched);
    }
    if (out.problems.size() != before) continue;
    const auto plan = target.read_with(sum_up(target));
    if (!plan.problems.empty()) out.problems.push_back(plan.problems);
  }
  return out;
}

}  // namespace qw::members
