#include "tests/systems/on_call.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace qw::test {
namespace {

std::vector<rules::RuleGroup> shipped_rules() {
  std::vector<rules::RuleGroup> out;
  for (const auto& entry : std::filesystem::directory_iterator(QW_SOURCE_DIR "/dashboards/alerts")) {
    if (entry.path().extension() != ".yml") continue;
    std::ifstream in(entry.path());
    std::stringstream text;
    text << in.rdbuf();
    auto read = rules::read_rule_file(text.str(), entry.path().filename());
    if (!read.problems.empty()) throw std::runtime_error(read.problems.front().print());
    for (auto& group : read.groups) out.push_back(std::move(group));
  }
  return out;
}

}  // namespace

OnCall::OnCall() {
  static const auto kGroups = shipped_rules();
  rules::GroupSettings settings;
  settings.external_labels = std::make_shared<const Labels>();
  engine_.replace(kGroups, settings, 0);
  store_.set_retention(std::chrono::milliseconds(engine_.reach() + 1000));
}

void OnCall::hear(const RoundPtr& round) {
  store_.publish(round);
  const auto at = std::chrono::floor<std::chrono::milliseconds>(round->finished.time_since_epoch()).count();
  rules::DataHealth health;
  health.targets = {{.system = round->target.system,
                     .target = round->target.name,
                     .answered = round->success,
                     .names = nullptr}};
  for (const auto& one : round->facts.unanswered) health.targets[0].silent.insert(one.member);
  const promql::StoreSource source(index_, Nanoseconds{});
  for (std::size_t i = 0; i < engine_.size(); ++i) {
    auto& group = engine_.group(i);
    group.evaluate(source, at, health);
    for (std::size_t rule = 0; rule < group.size(); ++rule) {
      const auto& states = group.alerts(rule);
      if (states && states->state() == rules::AlertState::firing) fired_.insert(states->rule().name);
    }
  }
}

}  // namespace qw::test
