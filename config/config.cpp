#include "config/config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "config/document.hpp"
#include "config/file_fields.hpp"
#include "config/files.hpp"
#include "config/reader.hpp"
#include "config/values.hpp"
#include "daemon/base/duration.hpp"
#include "daemon/base/text.hpp"

namespace qw::config {
namespace {

// Reads the whole of one configuration file.
class FileReader {
 public:
  FileReader(const std::string& file, std::span<const Kind> kinds) : reading_(file), kinds_(kinds) {
    config_.file = file;
    for (const Kind& kind : kinds_) systems_.push_back(kind.system);
  }

  Loaded read(std::string_view text) {
    if (parse_document(text, *document_, reading_.problems)) read_root(document_->root());
    return finish();
  }
  Loaded refuse(std::string_view problem) {
    reading_.problems.add({}, "", problem);
    return finish();
  }

 private:
  Loaded finish() { return {.config = std::move(config_), .problems = reading_.problems.take()}; }

  void read_root(const Node* node) {
    if (node == nullptr)
      return reading_.problems.add({}, "", "nothing in the file; no targets are 'targets: []'");
    Reader root(reading_, node, "");
    root.object("defaults", kDefaultsDoc,
                [this](Fields& fields) { read_defaults(static_cast<Reader&>(fields)); });
    if (!root.has("targets")) root.missing("targets");
    root.list("targets", kTargetsDoc, [this](Fields& fields) { read_target(static_cast<Reader&>(fields)); });
    alerting_fields(root, config_.alerting);
    reflector_fields(root, config_.reflector);
    rules_fields(root, config_.rules);
    journal_fields(root, config_.journal);
    placement_fields(root, config_.placement);
    root.finish();
  }

  void read_defaults(Reader& fields) {
    CommonFields defaults;
    defaults_fields(fields, defaults);
    const auto before = reading_.problems.count();
    const Period period = read_period(fields, defaults);
    // Wrong defaults are one problem; the targets are then checked against ours.
    if (reading_.problems.count() != before) return;
    config_.default_interval = period.interval;
    config_.default_timeout = period.timeout;
  }

  void read_target(Reader& fields) {
    reading_.outside = 0;
    reading_.ports.clear();
    reading_.sources.clear();
    CommonFields common;
    target_fields(fields, common);
    const Period period = read_period(fields, common);
    check_name(fields, common);
    const Kind* kind = find_kind(fields, common.system);
    TargetConfig target{.common = {.system = common.system,
                                   .name = common.name,
                                   .interval = period.interval,
                                   .timeout = period.timeout,
                                   .one_node = common.placement == kOneNode},
                        .plan = {},
                        .fingerprint = 0};
    if (kind != nullptr) {
      target.plan = kind->read(fields);
    } else if (fields.node() != nullptr) {
      // Nobody knows the other keys of an unknown system.
      for (const Entry& entry : fields.node()->entries) fields.value(entry.key);
    }
    if (fields.node() == nullptr) return;
    target.fingerprint = fingerprint(*fields.node(), period);
    target.ports = reading_.ports;
    target.sources = reading_.sources;
    if (!target.sources.empty()) target.read_with = reader_of(fields, kind);
    config_.targets.push_back(std::move(target));
  }

  /// Reads the same lines once more, with other addresses. What it needs it owns.
  std::function<FoundPlan(const Found&)> reader_of(const Reader& fields, const Kind* kind) const {
    return [document = document_, node = fields.node(), path = fields.path(), file = config_.file,
            read = kind->read](const Found& found) {
      Reading reading(file);
      reading.found = &found;
      Reader again(reading, node, path);
      FoundPlan out{.plan = read(again), .ports = std::move(reading.ports), .problems = {}};
      for (const auto& problem : reading.problems.take())
        out.problems += (out.problems.empty() ? "" : "; ") + problem.print();
      return out;
    };
  }

  struct Period {
    Nanoseconds interval;
    Nanoseconds timeout;
  };

  // A time-out that the user did not set for this interval gives way to it, as in Prometheus' scrape
  // configuration; one that is set is checked.
  Period read_period(Reader& fields, const CommonFields& common) const {
    Period period{.interval = common.interval.value_or(config_.default_interval), .timeout = Nanoseconds(0)};
    fields.check("interval", period.interval >= kShortestInterval,
                 fmt::format("must be at least {}", format_duration(kShortestInterval)));
    period.timeout = common.timeout.value_or(std::min(config_.default_timeout, period.interval));
    fields.check("timeout", period.timeout >= kShortestTimeout,
                 fmt::format("must be at least {}", format_duration(kShortestTimeout)));
    // An interval that is wrong itself says nothing about the time-out.
    const bool comparable = period.interval >= kShortestInterval;
    fields.check("timeout", !comparable || period.timeout <= period.interval,
                 fmt::format("must not be longer than interval ({})", format_duration(period.interval)));
    return period;
  }

  void check_name(Reader& fields, const CommonFields& common) {
    fields.check("name", is_target_name(common.name),
                 "must be 1 to 128 of the characters a-z, A-Z, 0-9, '_', '.', ':' and '-'");
    if (fields.node() == nullptr || common.system.empty() || common.name.empty()) return;
    const auto [first, is_new] = names_.emplace(std::pair(common.system, common.name), fields.place().line);
    fields.check(
        "name", is_new,
        fmt::format("there is another {} target of this name in line {}", common.system, first->second));
  }

  const Kind* find_kind(Reader& fields, std::string_view system) const {
    const auto found = std::ranges::find(kinds_, system, &Kind::system);
    if (found != kinds_.end()) return &*found;
    std::string text = fmt::format("unknown system {}", quote(system));
    if (const auto meant = nearest(system, systems_)) text += fmt::format("; did you mean '{}'?", *meant);
    fields.check(
        "system", false,
        fmt::format("{}{} known: {}", text, text.ends_with('?') ? "" : ";", fmt::join(systems_, ", ")));
    return nullptr;
  }

  std::uint64_t fingerprint(const Node& node, const Period& period) const {
    std::uint64_t hash = hash_node(node);
    mix(hash, static_cast<std::uint64_t>(period.interval.count()));
    mix(hash, static_cast<std::uint64_t>(period.timeout.count()));
    // The same relative path means another file when the configuration is another file.
    mix(hash, stable_hash(resolve_path("", config_.file)));
    mix(hash, reading_.outside);
    return hash;
  }

  Reading reading_;
  /// Outlives this reader where a target may have to be read again.
  std::shared_ptr<Document> document_ = std::make_shared<Document>();
  std::span<const Kind> kinds_;
  std::vector<std::string_view> systems_;
  Config config_;
  std::map<std::pair<std::string, std::string>, std::size_t> names_;  // of a target, and its line
};

}  // namespace

Loaded load_file(const std::string& file, std::span<const Kind> kinds) {
  FileReader reader(file, kinds);
  const auto text = read_text_file(file, kMaxText);
  return text ? reader.read(*text) : reader.refuse(text.error().message());
}

Loaded load_text(std::string_view text, const std::string& file, std::span<const Kind> kinds) {
  return FileReader(file, kinds).read(text);
}

}  // namespace qw::config
