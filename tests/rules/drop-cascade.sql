-- case: bad
-- migration
DROP TYPE "Role" CASCADE;
-- expect: error drop-cascade(Role)

-- case: good
-- migration
ALTER TABLE "User" ALTER COLUMN "role" DROP DEFAULT;
CREATE TYPE "Kind" AS ENUM ('A');
DROP TYPE "Kind";
