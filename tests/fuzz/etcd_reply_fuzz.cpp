// Every reply of etcd that the probe reads; nothing that parses may break what the readers promise.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "daemon/base/http_date.hpp"
#include "daemon/base/text.hpp"
#include "probes/wire/etcd_probing.hpp"
#include "probes/wire/etcd_reply.hpp"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace qw::wire;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  if (const auto vars = parse_etcd_vars(body)) {
    require(vars->id != 0 && vars->progress.size() <= 1024);
    require(!vars->election_timeout || *vars->election_timeout > qw::Nanoseconds(0));
  }
  if (const auto status = parse_etcd_status(body)) {
    require(status->cluster_id != 0 && status->member_id != 0);
    require(qw::is_valid_utf8(status->version) && status->alarms.size() <= 1024);
  }
  if (const auto members = parse_etcd_members(body))
    require(!members->members.empty() && members->members.size() <= 1024);
  if (const auto token = parse_etcd_token(body)) require(token->find_first_of("\r\n ") == std::string::npos);
  require(qw::is_valid_utf8(read_etcd_refusal(400, body).message()));
  (void)parse_etcd_probing(body);
  (void)qw::parse_http_date(body);
  return 0;
}
