/* SPDX-License-Identifier: Apache-2.0 */
/* Which interface leads out of this host, by the kernel's table of routes. */
#include "updraft/port_linux.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A line of /proc/net/route: name, destination and gateway in hexadecimal, the latter in network order in memory. */
static bool take_route(char *line, struct ud_network *net)
{
    char *rest = NULL;
    const char *name = strtok_r(line, "\t ", &rest), *destination = strtok_r(NULL, "\t ", &rest);
    const char *gateway = strtok_r(NULL, "\t ", &rest);
    char *end;
    if (!gateway || strcmp(destination, "00000000") != 0 || strlen(name) >= sizeof net->name)
        return false;
    uint32_t address = (uint32_t)strtoul(gateway, &end, 16);
    if (*end)
        return false;
    ud_strcopy(net->name, sizeof net->name, name, sizeof net->name - 1);
    memcpy(net->gateway, &address, sizeof address);
    return true;
}

static bool find_default_route(struct ud_network *net)
{
    char line[256];
    FILE *f = fopen("/proc/net/route", "re");
    bool found = false;
    while (f && !found && fgets(line, sizeof line, f))
        found = take_route(line, net);
    if (f)
        fclose(f);
    return found;
}

static bool find_addresses(struct ud_network *net)
{
    struct ifaddrs *all = NULL;
    bool found = false;
    if (getifaddrs(&all) != 0)
        return false;
    for (const struct ifaddrs *i = all; i && !found; i = i->ifa_next) {
        if (!i->ifa_addr || !i->ifa_netmask || i->ifa_addr->sa_family != AF_INET || strcmp(i->ifa_name, net->name) != 0)
            continue;
        struct sockaddr_in ip, mask;
        memcpy(&ip, i->ifa_addr, sizeof ip);
        memcpy(&mask, i->ifa_netmask, sizeof mask);
        memcpy(net->ip, &ip.sin_addr, sizeof net->ip);
        memcpy(net->netmask, &mask.sin_addr, sizeof net->netmask);
        found = true;
    }
    freeifaddrs(all);
    return found;
}

void ud_linux_network(struct ud_network *out)
{
    memset(out, 0, sizeof *out);
    if (find_default_route(out) && find_addresses(out))
        return;
    *out = (struct ud_network){ .name = "lo", .ip = { 127, 0, 0, 1 }, .netmask = { 255, 0, 0, 0 } };
}
