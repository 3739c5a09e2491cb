#include "config/web.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "config/document.hpp"
#include "config/files.hpp"
#include "config/reader.hpp"
#include "config/values.hpp"
#include "daemon/base/text.hpp"

namespace qw::config {
namespace {

// A login may cost 2^cost rounds, each a few microseconds: 2^16 is some seconds, and the next step would
// serve only whoever wants to keep the daemon busy.
constexpr std::uint64_t kHighestCost = 16;
constexpr std::uint64_t kLowestCost = 4;

// Those that exporter-toolkit allows, with the values it allows (none: any).
struct Header {
  std::string_view name;
  std::array<std::string_view, 2> values;
};
constexpr std::array<Header, 5> kHeaders{{{"Content-Security-Policy", {}},
                                          {"Strict-Transport-Security", {}},
                                          {"X-Content-Type-Options", {"nosniff", "nosniff"}},
                                          {"X-Frame-Options", {"deny", "sameorigin"}},
                                          {"X-XSS-Protection", {}}}};

bool verifies(std::string_view client_auth_type) {
  return client_auth_type == "VerifyClientCertIfGiven" || client_auth_type == "RequireAndVerifyClientCert";
}

void tls_server_fields(Fields& fields, WebConfig& web) {
  Path cert, key, client_ca;
  fields.required("cert_file", &cert, "PEM file of the server's certificate chain.");
  fields.required("key_file", &key, "PEM file of its private key.");
  fields.optional("client_ca_file", &client_ca,
                  "PEM file of the authorities that sign the clients' certificates.");
  fields.optional("client_auth_type",
                  Choice{&web.client_auth_type,
                         {"NoClientCert", "RequestClientCert", "RequireAnyClientCert",
                          "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"}},
                  "Whether clients need a certificate.");
  fields.optional("client_allowed_sans", &web.client_allowed_sans,
                  "Subject alternative names of which a client's certificate must have one.");
  fields.optional("min_version", Choice{&web.min_version, {"TLS12", "TLS13"}}, "Oldest version of TLS.");
  fields.optional("max_version", Choice{&web.max_version, {"TLS12", "TLS13"}}, "Newest version of TLS.");

  fields.check("client_auth_type", !verifies(web.client_auth_type) || !client_ca.value.empty(),
               "needs client_ca_file");
  fields.check("client_ca_file", client_ca.value.empty() || web.client_auth_type != "NoClientCert",
               "needs a client_auth_type that asks for certificates");
  fields.check("client_allowed_sans", web.client_allowed_sans.empty() || verifies(web.client_auth_type),
               "needs a client_auth_type that verifies certificates");
  fields.check("min_version", web.min_version <= web.max_version, "must not be newer than max_version");
  web.cert_file = cert.value;
  web.key_file = key.value;
  web.client_ca_file = client_ca.value;
}

// "$2y$10$" and 53 characters of salt and hash. What is wrong with it is told without quoting any of it.
std::optional<std::string> problem_of_hash(std::string_view hash) {
  static constexpr std::size_t kSize = 60;
  static constexpr std::string_view kAlphabet =
      "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  const bool prefix = hash.starts_with("$2a$") || hash.starts_with("$2b$") || hash.starts_with("$2y$");
  if (!prefix || hash.size() != kSize || hash[6] != '$' ||
      hash.find_first_not_of(kAlphabet, 7) != std::string_view::npos) {
    return "expected a bcrypt hash ($2y$10$...)";
  }
  const auto cost = parse_uint64(hash.substr(4, 2));
  if (!cost || *cost < kLowestCost || *cost > kHighestCost) {
    return fmt::format("expected a bcrypt hash with a cost of {} to {}", kLowestCost, kHighestCost);
  }
  return std::nullopt;
}

// The mappings whose keys are free: users and headers.
class WebReader {
 public:
  explicit WebReader(const std::string& file) : reading_(file) {}

  LoadedWeb read(std::string_view text) {
    Document document;
    if (parse_document(text, document, reading_.problems)) read_root(document.root());
    return {.config = std::move(web_), .problems = reading_.problems.take()};
  }
  LoadedWeb refuse(std::string_view problem) {
    reading_.problems.add({}, "", problem);
    return {.config = {}, .problems = reading_.problems.take()};
  }

 private:
  void read_root(const Node* node) {
    // A file that was cut to nothing must not open the daemon to everybody.
    if (node == nullptr)
      return reading_.problems.add({}, "", "nothing in the file; neither TLS nor passwords is '{}'");
    Reader root(reading_, node, "");
    if (root.has("tls_server_config")) {
      web_.tls =
          root.object("tls_server_config", "", [this](Fields& fields) { tls_server_fields(fields, web_); });
    }
    root.object("http_server_config", "",
                [this](Fields& fields) { read_http(static_cast<Reader&>(fields)); });
    if (const Node* users = root.value("basic_auth_users")) read_users(*users);
    root.finish();
    web_.fingerprint = hash_node(*node);
    mix(web_.fingerprint, reading_.outside);
  }

  void read_http(Reader& fields) {
    bool http2 = false;
    fields.optional("http2", &http2, "");
    fields.check("http2", !http2, "HTTP/2 is not supported; the daemon speaks HTTP/1.1");
    if (const Node* headers = fields.value("headers"))
      read_headers(*headers, join_path(fields.path(), "headers"));
  }

  void read_headers(const Node& node, const std::string& path) {
    const Reader fields(reading_, &node, path);
    if (fields.node() == nullptr) return;
    for (const Entry& entry : node.entries) {
      const auto header = std::ranges::find(kHeaders, entry.key, &Header::name);
      if (header == kHeaders.end()) {
        reading_.problems.add(entry.place, path, unknown_header(entry.key));
      } else if (const auto problem = problem_of_value(*header, *entry.value)) {
        reading_.problems.add(entry.value->place, join_path(path, entry.key), *problem);
      } else {
        web_.headers.emplace_back(entry.key, entry.value->text);
      }
    }
  }

  static std::optional<std::string> problem_of_value(const Header& header, const Node& value) {
    if (value.kind != Node::Kind::scalar) return expected("a text", value);
    if (value.text.find_first_of("\r\n") != std::string::npos) return "expected a text without line breaks";
    const bool any = header.values[0].empty();
    if (any || std::ranges::find(header.values, value.text) != header.values.end()) return std::nullopt;
    return expected(header.values[0] == header.values[1]
                        ? std::string(header.values[0])
                        : fmt::format("{} or {}", header.values[0], header.values[1]),
                    value);
  }

  static std::string unknown_header(std::string_view key) {
    std::vector<std::string_view> known;
    for (const Header& header : kHeaders) known.push_back(header.name);
    if (const auto meant = nearest(key, known))
      return fmt::format("unknown header {}; did you mean '{}'?", quote(key), *meant);
    return fmt::format("unknown header {}; known: {}", quote(key), fmt::join(known, ", "));
  }

  void read_users(const Node& node) {
    static constexpr std::string_view kPath = "basic_auth_users";
    const Reader fields(reading_, &node, std::string(kPath));
    if (fields.node() == nullptr) return;
    for (const Entry& entry : node.entries) {
      if (entry.key.empty() || entry.key.contains(':')) {
        reading_.problems.add(
            entry.place, kPath,
            fmt::format("user {} can not log in: a name is not empty and has no colon", quote(entry.key)));
        continue;
      }
      const std::string path = join_path(kPath, entry.key);
      if (const auto problem = problem_of_hash(entry.value->text)) {
        reading_.problems.add(entry.value->place, path, *problem);
      } else {
        web_.users.emplace_back(entry.key, entry.value->text);
      }
    }
  }

  Reading reading_;
  WebConfig web_;
};

}  // namespace

LoadedWeb load_web_file(const std::string& file) {
  WebReader reader(file);
  const auto text = read_text_file(file, kMaxText);
  return text ? reader.read(*text) : reader.refuse(text.error().message());
}

LoadedWeb load_web_text(std::string_view text, const std::string& file) {
  return WebReader(file).read(text);
}

}  // namespace qw::config
