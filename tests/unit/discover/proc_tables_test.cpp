#include "daemon/discover/proc_tables.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace qw::discover {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(ProcTables, OnlyWhatListensCounts) {
  const auto sockets = read_sockets(
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
      "   0: 0100007F:094B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0\n"
      "   1: 0100007F:094B 0100007F:A000 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0\n"
      "   2: garbage\n"
      "   3: 0100007F:FFFFF 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1 "
      "0\n",
      false);
  ASSERT_EQ(sockets.size(), 1U);
  EXPECT_EQ(sockets[0].listening, (Listening{false, "127.0.0.1", 2379}));
  EXPECT_EQ(sockets[0].inode, 4711U);
}

TEST(ProcTables, AddressesOfBothFamilies) {
  const auto line = [](const std::string& address) {
    return "   0: " + address + ":18EB 0:0 0A 0:0 0:0 0 0 0 7 1 0\n";
  };
  const auto read = [&](const std::string& address) {
    const auto sockets = read_sockets(line(address), false);
    return sockets.empty() ? "" : sockets[0].listening.address;
  };
  EXPECT_EQ(read("0200000A"), "10.0.0.2");
  EXPECT_EQ(read("00000000000000000000000000000000"), "::");
  EXPECT_EQ(read("B80D0120000000000000000001000000"), "2001:db8::1");
  EXPECT_EQ(read("0000000000000000FFFF00000200000A"), "10.0.0.2");
  EXPECT_EQ(read("0200000"), "");
}

TEST(ProcTables, TheAddressOfTheDefaultRouteIsFirst) {
  constexpr std::string_view kTrie =
      "Local:\n  |-- 172.17.0.1\n     /32 host LOCAL\n  |-- 10.0.0.5\n     /32 host LOCAL\n  |-- 127.0.0.1\n "
      "    /32 host LOCAL\n"
      "  |-- 10.0.0.255\n     /32 link BROADCAST\n";
  constexpr std::string_view kRoute =
      "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n"
      "eth0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\neth0\t0000000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\n"
      "docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\n";
  EXPECT_THAT(read_ipv4(kTrie, kRoute), ElementsAre("10.0.0.5", "172.17.0.1"));
  EXPECT_THAT(read_ipv4(kTrie, ""), ElementsAre("172.17.0.1", "10.0.0.5"));
}

TEST(ProcTables, LinkLocalAddressesAreNone) {
  EXPECT_THAT(read_ipv6("20010db8000000000000000000000001 02 40 00 80 eth0\nfe800000000000000000000000000001 "
                        "02 40 20 80 eth0\n"
                        "00000000000000000000000000000001 01 80 10 80 lo\n"),
              ElementsAre("2001:db8::1"));
}

TEST(ProcTables, UnitsOfBothHierarchies) {
  EXPECT_EQ(read_unit("0::/system.slice/etcd.service\n"), "etcd.service");
  EXPECT_EQ(
      read_unit("3:cpu:/\n1:name=systemd:/system.slice/system-postgresql.slice/postgresql@15-main.service\n"),
      "postgresql@15-main.service");
  EXPECT_EQ(read_unit("0::/user.slice/session-3.scope\n"), "");
}

TEST(ProcTables, ACommandLineHasNoMoreWordsThanAllowed) {
  EXPECT_THAT(read_strings(std::string_view("a\0b c\0\0\0", 8), 10), ElementsAre("a", "b c"));
  EXPECT_THAT(read_strings(std::string_view("a\0b\0c", 5), 2), ElementsAre("a", "b"));
  EXPECT_THAT(read_strings("", 10), IsEmpty());
  EXPECT_EQ(read_socket_link("socket:[4711]"), 4711U);
  EXPECT_EQ(read_socket_link("pipe:[4711]"), 0U);
}

}  // namespace
}  // namespace qw::discover
