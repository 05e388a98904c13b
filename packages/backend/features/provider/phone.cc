// The one C++ file: a C function over libphonenumber, which has no C interface. See definition.h.
#include <phonenumbers/phonenumberutil.h>

#include <cstring>
#include <string>

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

extern "C" int phone_normalise(const char *text, const char *region, char *ret, size_t size)
{
        try {
                PhoneNumberUtil *util = PhoneNumberUtil::GetInstance();
                PhoneNumber number;
                std::string out;

                if (util->Parse(text, *region ? region : "ZZ", &number) !=
                    PhoneNumberUtil::NO_PARSING_ERROR)
                        return -1;
                util->Format(number, PhoneNumberUtil::E164, &out);
                if (out.size() + 1 > size)
                        return -1;
                std::memcpy(ret, out.c_str(), out.size() + 1);
                return util->IsValidNumber(number) ? 0 : 1;
        } catch (...) { // memory, or a number that the library chokes on
                return -1;
        }
}
