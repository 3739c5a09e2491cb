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

DerivedSeriesPtr DerivedFamilies::make(const Labels& labels) {
  const auto name = labels.get("__name__");
  auto found = families_.find(name);
  if (found == families_.end()) {
    auto made = std::make_shared<Family>();
    made->name = std::string(name);
    made->help = help_of(name);
    made->family = {.name = made->name, .type = MetricType::gauge, .help = made->help, .labels = ""};
    found = families_.emplace(made->name, std::move(made)).first;
  }
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
            .series = {.family = &found->second->family,
                       .suffix = "",
                       .labels = PackedLabels(others),
                       .line_prefix = make_line_prefix(found->second->name, others)}});
  auto out = std::make_shared<DerivedSeries>();
  out->labels = promql::share(labels);
  out->series = SeriesPtr(owned, &owned->series);
  return out;
}

}  // namespace qw::rules
