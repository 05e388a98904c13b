/* Roles: names, and who may do what. See route.h. */
#include "base/route.h"

static const char *const names[] = {
        [ROLE_PUBLIC] = "public",         [ROLE_USER] = "user",
        [ROLE_ANY_MEMBER] = "any_member", [ROLE_VIEWER] = "viewer",
        [ROLE_MEMBER] = "member",         [ROLE_ADMIN] = "admin",
        [ROLE_OWNER] = "owner",           [ROLE_BILLING_ADMIN] = "billing_admin",
        [ROLE_SERVICE] = "service",       [ROLE_PLATFORM_ADMIN] = "platform_admin",
};

const char *role_name(enum role r)
{
        return names[r];
}

bool role_parse(struct str name, enum role *ret)
{
        static const enum role stored[] = {ROLE_VIEWER, ROLE_MEMBER, ROLE_ADMIN, ROLE_OWNER,
                                           ROLE_BILLING_ADMIN};

        for (size_t i = 0; i < ELEMENTS(stored); i++)
                if (str_eq_c(name, names[stored[i]])) {
                        *ret = stored[i];
                        return true;
                }
        return false;
}

bool role_allows(enum role have, enum role need)
{
        bool ladder = have >= ROLE_VIEWER && have <= ROLE_OWNER;

        switch (need) {
        case ROLE_PUBLIC:
        case ROLE_USER: return true;
        case ROLE_ANY_MEMBER: return ladder || have == ROLE_BILLING_ADMIN;
        case ROLE_VIEWER:
        case ROLE_MEMBER:
        case ROLE_ADMIN:
        case ROLE_OWNER: return ladder && have >= need;
        case ROLE_BILLING_ADMIN: return have == ROLE_OWNER || have == ROLE_BILLING_ADMIN;
        default: return false;
        }
}
