#include "daemon/rules/derived_series.hpp"

namespace qw::rules {

struct DerivedFamilies::Family {
  std::string name;
  std::string help;
  MetricFamily family;
};

namespace {

std::string help_of(std::string_view name) {
  if (name == "ALERTS") return "1 for each alert that is pending or fires in this daemon.";
  if (name == "ALERTS_FOR_STATE")
    return "Since when the condition of each alert holds, in seconds of Unix time.";
  if (name == "quorumwatch_alert_unknown") {
    return "1 for each alert that keeps its state because the round of its target failed.";
  }
  return "The result of a recording rule of this daemon.";
}

}  // namespace

void DerivedFamilies::add(std::string_view name) {
  if (families_.contains(name)) return;
  auto made = std::make_shared<Family>();
  made->name = std::string(name);
  made->help = help_of(name);
  made->family = {.name = made->name, .type = MetricType::gauge, .help = made->help, .labels = ""};
  families_.emplace(made->name, std::move(made));
}

DerivedFamilies::DerivedFamilies(const std::vector<std::string>& recorded) {
  for (const auto* name : {"ALERTS", "ALERTS_FOR_STATE", "quorumwatch_alert_unknown"}) add(name);
  for (const auto& name : recorded) add(name);
}

DerivedSeriesPtr DerivedFamilies::make(const Labels& labels) const {
  const auto found = families_.find(labels.get("__name__"));
  Labels others;
  for (const auto& [label, value] : labels) {
    if (label != "__name__" && !value.empty()) others.set(label, value);
  }
  struct Owned {
    std::shared_ptr<const Family> family;
    Series series;
  };
  auto owned = std::make_shared<Owned>(
      Owned{.family = found->second,
            .series = {.family = &found->second->family, .suffix = "", .labels = PackedLabels(others)}});
  auto out = std::make_shared<DerivedSeries>();
  out->labels = promql::share(labels);
  out->series = SeriesPtr(owned, &owned->series);
  return out;
}

}  // namespace qw::rules
