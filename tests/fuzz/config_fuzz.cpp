// The configuration file and the web configuration file: any text gives problems or a configuration, never a
// crash, and the same ones every time.
#include <any>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "config/tls.hpp"
#include "config/web.hpp"
#include "daemon/base/text.hpp"

namespace {

using namespace qw;

std::any read_toy(config::Fields& fields) {
  std::vector<std::string> members;
  std::uint64_t count = 1;
  double depth = 1;
  bool flag = false;
  std::string word = "one";
  std::optional<Nanoseconds> grace;
  config::SecretFile secret;
  config::TlsOptions tls;
  fields.required("members", &members, "Members.");
  fields.optional("count", &count, "Count.");
  fields.optional("depth", &depth, "Depth.");
  fields.optional("flag", &flag, "Flag.");
  fields.optional("word", config::Choice{&word, {"one", "two"}}, "Word.");
  fields.optional("grace", &grace, "Grace.");
  fields.optional("password_file", &secret, "Secret.");
  config::tls_fields(fields, tls);
  fields.list("nests", "Nests.", [](config::Fields& nest) {
    std::string host;
    nest.required("host", &host, "Host.");
  });
  fields.check("members", !members.empty(), "must not be empty");
  return members;
}

void require(bool holds) {
  if (!holds) std::abort();
}

void check(const std::vector<config::Problem>& problems) {
  for (std::size_t i = 0; i < problems.size(); ++i) {
    const std::string line = problems[i].print();
    require(is_valid_utf8(line) && line.find('\n') == std::string::npos && !problems[i].text.empty());
    const bool is_total = i + 1 == problems.size() && problems[i].line == 0;
    require(i == 0 || is_total || problems[i - 1].line <= problems[i].line);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const std::array<config::Kind, 1> kKinds{config::Kind{
      .system = "toy", .summary = "A toy.", .read = [](config::Fields& fields) { return read_toy(fields); }}};
  const auto loaded = config::load_text(text, "/nowhere/fuzz.yml", kKinds);
  check(loaded.problems);
  if (loaded.problems.empty()) {
    for (const auto& target : loaded.config.targets) {
      require(!target.common.name.empty() && target.common.timeout <= target.common.interval);
      require(!std::any_cast<std::vector<std::string>>(target.plan).empty());
    }
  }
  check(config::load_web_text(text, "/nowhere/web.yml").problems);
  return 0;
}
