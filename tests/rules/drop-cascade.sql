-- case: as its page shows it
-- migration
DROP TYPE "Role" CASCADE;
-- expect: error drop-cascade(Role)

-- case: the way out
-- migration
ALTER TABLE "User" ALTER COLUMN "role" DROP DEFAULT;
CREATE TYPE "Kind" AS ENUM ('A');
DROP TYPE "Kind";
