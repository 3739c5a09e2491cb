#include <fmt/format.h>

#include "config/config.hpp"
#include "config/file_fields.hpp"
#include "daemon/base/duration.hpp"

namespace qw::config {
namespace {

// In words; what a key holds before anything is read is its default.
struct Description {
  std::string type;
  std::string initial;
};

std::string code(std::string_view text) {
  return fmt::format("`{}`", text);
}

struct Describe {
  Description operator()(const bool* v) const { return {"true or false", code(*v ? "true" : "false")}; }
  Description operator()(const std::uint64_t* v) const { return {"whole number", code(fmt::to_string(*v))}; }
  Description operator()(const double* v) const { return {"number", code(fmt::to_string(*v))}; }
  Description operator()(const std::string* v) const { return {"text", v->empty() ? "" : code(*v)}; }
  Description operator()(const Nanoseconds* v) const { return {"duration", code(format_duration(*v))}; }
  Description operator()(const SecretFile*) const { return {"secret", ""}; }
  Description operator()(const Path* v) const { return {"file", v->value.empty() ? "" : code(v->value)}; }
  Description operator()(const std::vector<std::string>* v) const {
    return {"list of texts", v->empty() ? "" : code(fmt::format("[{}]", fmt::join(*v, ", ")))};
  }
  Description operator()(const std::vector<Path>*) const { return {"list of files", ""}; }
  Description operator()(const std::map<std::string, std::string>*) const { return {"mapping of texts", ""}; }
  Description operator()(const Choice& v) const {
    return {fmt::format("one of `{}`", fmt::join(v.allowed, "`, `")), v.value->empty() ? "" : code(*v.value)};
  }
  template <class T>
  Description operator()(std::optional<T>* v) const {
    T holder{};
    Description description = Describe{}(&holder);
    description.initial = *v ? Describe{}(&**v).initial : "";
    return description;
  }
};

// A bar would end the cell.
std::string cell(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '|') escaped += '\\';
    escaped += c == '\n' ? ' ' : c;
  }
  return escaped;
}

// Prints the fields that are declared to it as the rows of one table.
class Describer final : public Fields {
 public:
  Describer(std::string& out, std::string prefix) : out_(out), prefix_(std::move(prefix)) {}

  void required(std::string_view key, FieldRef value, std::string_view doc) override {
    row(key, std::visit(Describe{}, value).type, "required", doc);
  }
  void optional(std::string_view key, FieldRef value, std::string_view doc) override {
    const Description description = std::visit(Describe{}, value);
    row(key, description.type, description.initial, doc);
  }
  bool object(std::string_view key, std::string_view doc,
              const std::function<void(Fields&)>& fields) override {
    row(key, "mapping", "", doc);
    Describer inner(out_, fmt::format("{}{}.", prefix_, key));
    fields(inner);
    return false;
  }
  void list(std::string_view key, std::string_view doc, const std::function<void(Fields&)>& fields) override {
    row(key, "list of mappings", "", doc);
    Describer inner(out_, fmt::format("{}{}[].", prefix_, key));
    fields(inner);
  }
  bool addresses(std::string_view key, std::vector<std::string>*, const AddressRule& rule,
                 std::string_view doc) override {
    row(key, "addresses", rule.required ? "required" : "", doc);
    return false;
  }
  void check(std::string_view, bool, std::string_view) override {}

  void header() { out_ += "| key | type | default | meaning |\n|---|---|---|---|\n"; }

 private:
  void row(std::string_view key, std::string_view type, std::string_view initial, std::string_view doc) {
    out_ += fmt::format("| `{}{}` | {} | {} | {} |\n", prefix_, key, cell(type), cell(initial), cell(doc));
  }

  std::string& out_;
  std::string prefix_;
};

constexpr std::string_view kIntroduction = R"(# Configuration reference

Printed by `quorumwatch reference`; every key that the file may have. Any other key is refused.

* A *duration* has a unit: `250ms`, `5s`, `1m30s`, `2h`, `7d`.
* A *file* that is relative is relative to the configuration file. It must be there when the configuration is read.
* A *secret* is never in the configuration file. The key names where it is: a file (relative to the configuration file),
  `env:NAME` for an environment variable, or `credential:NAME` for a file in `$CREDENTIALS_DIRECTORY` (`LoadCredential=` of
  the systemd unit). A file that is really called so is written `./env:NAME`. The last line break is not part of the
  secret; at most 64 KiB.
* *Addresses* are a list of texts, or a mapping that says where they are found: see "Addresses that are found" below.
* Anchors and aliases work; tags, merge keys, duplicate keys and more than one document are refused. The file has at most
  4 MiB, 200000 values and 32 levels.

)";

constexpr std::string_view kSourcesDoc =
    R"(Where a key holds *addresses*, a mapping may stand for the list, as in
`members: {files: ["members/etcd-*.yml"], dns: ["_etcd-client._tcp.etcd.example"]}`.

What is found is put in order, and each address is there once. When it changes, the target goes on with the new members at its
next round, without a reload, and its counters and histories stay. A file that is missing or wrong and a name without an
answer change nothing: what they gave last stays, `quorumwatch_members_discovery_failed` says so, and the log says why. Of
files that a pattern with a `*` matches, one that was removed takes its members with it, unless it was the last. A file that
holds anything that is no address is refused as a whole. At most 64 files a pattern, 1 MiB a file, 4096 addresses
in all.
)";

}  // namespace

std::string print_reference(std::span<const Kind> kinds) {
  std::string out(kIntroduction);
  Describer describer(out, "");
  CommonFields common;

  out += "## The file\n\n";
  describer.header();
  describer.object("defaults", kDefaultsDoc, [&](Fields& fields) { defaults_fields(fields, common); });
  out += fmt::format("| `targets` | list of mappings | required | {} |\n", cell(kTargetsDoc));

  AlertingOptions alerting;
  alerting_fields(describer, alerting);
  ReflectorOptions reflector;
  reflector_fields(describer, reflector);
  RulesOptions rules;
  rules_fields(describer, rules);
  JournalOptions journal;
  journal_fields(describer, journal);
  PlacementOptions placement;
  placement_fields(describer, placement);

  out += "\n## Every target\n\n";
  describer.header();
  target_fields(describer, common);

  out += fmt::format("\n## {}\n\n{}\n", kSourcesHeading, kSourcesDoc);
  describer.header();
  AddressSources sources;
  source_fields(describer, sources);

  for (const Kind& kind : kinds) {
    out += fmt::format("\n## system: {}\n\n{}\n\n", kind.system, kind.summary);
    describer.header();
    kind.read(describer);
  }
  return out;
}

}  // namespace qw::config
